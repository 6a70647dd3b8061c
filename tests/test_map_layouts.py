"""Layouts: made once, kept in the index, left as they are when documents come; and how far they can be trusted."""

import os
import stat

import numpy as np
import pytest
from conftest import run

import embedsearch as es
from embedsearch.errors import EmbedSearchError, StoreError
from embedsearch.maps import layouts
from embedsearch.maps.clusters import find_clusters
from embedsearch.maps.fitting import place_among
from embedsearch.maps.layouts import lay_out, read_ground
from embedsearch.maps.quality import trust
from embedsearch.terms import characteristic
from embedsearch.testing import TableEncoder
from embedsearch.vectors import unit

GROUPS, EACH, DIMENSION = 4, 30, 16


def table(seed: int = 0) -> dict[str, np.ndarray]:
    """Return texts in four groups of meaning, `text 7` in the group 7 % 4, with their vectors."""
    random = np.random.default_rng(seed)
    centers = random.standard_normal((GROUPS, DIMENSION)) * 2
    noise = random.standard_normal((GROUPS * EACH, DIMENSION)) * 0.5
    return {f"text {i}": centers[i % GROUPS] + noise[i] for i in range(GROUPS * EACH)}


def documents(numbers) -> list[es.Document]:
    """Return a document for each text."""
    return [es.Document(f"d{i}", f"text {i}", metadata={"group": i % GROUPS}) for i in numbers]


@pytest.fixture
def grouped(tmp_path):
    """Return an index of the first hundred texts."""
    with es.Index.create(tmp_path / "grouped", TableEncoder(table())) as made:
        made.add(documents(range(100)))
        yield made


def points(index, kind="umap", **options):
    """Return where each document lies in a layout, by its id; and the report."""
    draw = index.draw()
    laid = lay_out(read_ground(index, draw, kind, **options))
    ids = [passage.document for passage in index.passages(draw.rows)]
    return dict(zip(ids, laid.points.tolist(), strict=True)), laid


@pytest.mark.parametrize("kind", ["umap", "pca"])
def test_what_is_laid_out_stays_where_it_is(grouped, kind):
    """Adding, deleting and compacting move nothing; what is new lies with its own group; nothing is fitted again."""
    before, first = points(grouped, kind)
    assert first.report.is_new
    assert first.report.is_kept
    assert first.report.fitted == 100
    grouped.add(documents(range(100, 120)))
    grouped.delete(["d0", "d1", "d2"])
    grouped.compact()
    after, second = points(grouped, kind)
    assert not second.report.is_new
    assert second.report.placed == 20
    assert all(after[id] == pytest.approx(before[id], abs=1e-6) for id in before if id in after)
    for i in range(100, 120):
        assert nearest_group(after, i) == i % GROUPS
    assert points(grouped, kind)[0] == after


def nearest_group(places: dict, i: int) -> int:
    """Return the group whose old texts lie nearest to text i, in the median."""
    distances = [[] for _ in range(GROUPS)]
    for j in range(3, 100):
        distances[j % GROUPS].append(np.hypot(*np.subtract(places[f"d{i}"], places[f"d{j}"])))
    return int(np.argmin([np.median(group) for group in distances]))


def test_a_layout_of_another_seed_or_asked_for_is_made_anew(grouped):
    """The same seed takes what is kept; another seed, and relayout, make it anew; the same seed gives the same."""
    first, _ = points(grouped)
    other, laid = points(grouped, seed=7)
    assert laid.report.is_new
    assert other != first
    assert not points(grouped, seed=7)[1].report.is_new
    assert not points(grouped)[1].report.is_new
    again, laid = points(grouped, seed=0, anew=True)
    assert laid.report.is_new
    assert again == first


def test_a_layout_whose_texts_have_gone_is_made_anew_and_says_so(grouped):
    """With more than half of its texts gone, a layout says nothing of the index any more."""
    points(grouped, "pca")
    grouped.delete([f"d{i}" for i in range(60)])
    _, laid = points(grouped, "pca")
    assert laid.report.is_new
    assert laid.notes == ("the index holds 40% of the texts that the kept layout was made from; a new layout is made",)


def test_a_damaged_file_is_computed_anew(grouped, caplog):
    """A kept file that is not what was written is not used; a warning names it."""
    before, _ = points(grouped, "pca")
    (file,) = grouped.path.glob("derived-layout-pca.npz")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    after, laid = points(grouped, "pca")
    assert laid.report.is_new
    assert after == before
    assert "derived-layout-pca.npz is not what was written; it is made again" in caplog.text
    file.unlink()
    assert points(grouped, "pca")[1].report.is_new


def test_where_there_is_no_room_the_layout_is_shown_and_not_kept(grouped, monkeypatch):
    """A layout that cannot be kept is drawn all the same, with a note."""
    monkeypatch.setattr("numpy.savez", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    _, laid = points(grouped, "pca")
    assert not laid.report.is_kept
    assert laid.notes[0].startswith("the layout is not kept, so the next map needs a new one: ")
    assert laid.notes[0].endswith("derived-layout-pca.npz cannot be written: No space left on device")


@pytest.mark.parametrize("kind", ["umap", "pca"])
def test_a_map_shows_one_state_whatever_is_compacted_while_it_is_laid_out(grouped, kind, monkeypatch):
    """What another process deletes, compacts and adds meanwhile moves no text to the place of another."""
    fit = getattr(layouts, f"fit_{kind}")

    def slow(*arguments):
        with es.open(grouped.path, TableEncoder(table())) as other:
            other.delete([f"d{i}" for i in range(0, 100, 5)])
            other.compact()
            other.add(documents(range(100, 120)))
        return fit(*arguments)

    monkeypatch.setattr(layouts, f"fit_{kind}", slow)
    content = es.map_index(grouped, layout=kind, color="group").content
    assert sorted(one.id for one in content.passages) == sorted(f"d{i}" for i in range(100))
    assert all(one.text == f"text {one.id[1:]}" for one in content.passages)
    assert content.total == 100
    groups = [int(content.categories.entries[place].name) for place in content.categories.places]
    assert groups == [int(one.id[1:]) % GROUPS for one in content.passages]
    monkeypatch.undo()
    again = es.map_index(grouped, layout=kind).content
    assert not again.layout.is_new
    after = {one.id: at for one, at in zip(again.passages, again.points.tolist(), strict=True)}
    before = {one.id: at for one, at in zip(content.passages, content.points.tolist(), strict=True)}
    assert len(before.keys() & after.keys()) == 80
    assert all(after[id] == pytest.approx(before[id], abs=1e-5) for id in before if id in after)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write where it is forbidden")
def test_a_reader_without_permission_to_write_gets_a_layout(grouped):
    """In a read-only folder the layout is made in memory."""
    grouped.path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with es.open(grouped.path) as index:
            assert not points(index, "pca")[1].report.is_kept
    finally:
        grouped.path.chmod(stat.S_IRWXU)


def test_a_layout_kept_for_one_encoder_is_not_used_for_another(grouped):
    """After an index was embedded anew, none of its texts is in the layout: it is made anew."""
    points(grouped, "pca")
    path = grouped.path
    grouped.close()
    es.reindex(path, TableEncoder(table(seed=1), name="another"))
    with es.open(path, TableEncoder(table(seed=1), name="another")) as index:
        assert points(index, "pca")[1].report.is_new


def test_few_texts_are_laid_out_by_pca(index):
    """Eight texts have no neighbourhoods for UMAP; one has no direction, and lies at the middle."""
    _, laid = points(index)
    assert laid.report.kind == "pca"
    assert laid.notes == ("fewer than 10 different texts have no neighbourhoods for UMAP; they are laid out by PCA",)
    index.delete([id for id in index.ids() if id != "id-wolf"])
    assert points(index, anew=True)[0] == {"id-wolf": pytest.approx([0, 0], abs=1e-6)}


def test_a_draw_is_the_same_whatever_is_asked_and_changes_little(grouped):
    """A lot depends on the text alone: added documents displace few, equal texts have equal keys, a condition holds."""
    before = {one.document for one in grouped.passages(grouped.draw(40).rows)}
    assert len(before) == 40
    grouped.add(documents(range(100, 120)))
    after = {one.document for one in grouped.passages(grouped.draw(40).rows)}
    assert before - after == before - {id for id in after if int(id[1:]) < 100}
    assert len(after & before) >= 30
    part = grouped.draw(5, where="group == 1")
    assert {one.metadata["group"] for one in grouped.passages(part.rows)} == {1}
    assert part.of == 30
    grouped.add([es.Document("twin", "text 3")])
    draw = grouped.draw()
    keys = {one.document: key for one, key in zip(grouped.passages(draw.rows), draw.keys, strict=True)}
    assert keys["twin"] == keys["d3"] != keys["d4"]


@pytest.mark.parametrize("k", [3, 10])
def test_trust_is_trustworthiness(k):
    """The mean over all texts is what scikit-learn computes; a faithful layout has all of it."""
    from sklearn.manifold import trustworthiness

    random = np.random.default_rng(3)
    vectors = unit(random.standard_normal((60, 5)))
    flat = random.standard_normal((60, 2)).astype(np.float32)
    expected = trustworthiness(vectors.astype(np.float64), flat, n_neighbors=k, metric="cosine")
    assert trust(vectors, flat, k).mean() == pytest.approx(expected, abs=1e-9)
    angles = np.linspace(0, 1, 30) ** 1.3  # no two neighbours equally far
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert trust(circle, circle, k) == pytest.approx(np.ones(30))


def test_a_new_text_lies_among_its_neighbours_by_how_near_they_are():
    """A text in the direction of one anchor lies on it; between two, in the middle; the cosines are those."""
    anchors = np.eye(8, dtype=np.float32)
    at = np.arange(16, dtype=np.float32).reshape(8, 2)
    new = unit([[1.0, 0, 0, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0, 0, 0]])
    placed, nearness = place_among(new, anchors, at)
    assert placed[0] == pytest.approx(at[0])
    assert placed[1] == pytest.approx((at[1] + at[2]) / 2)
    assert nearness == pytest.approx([1 / 5, 2 * 0.5**0.5 / 5])


def test_regions_are_named_by_what_they_say():
    """Two heaps of texts get the words that they share and the other has not."""
    random = np.random.default_rng(0)
    middles = [(-9.0, 0.0), (9.0, 0.0), (0.0, 9.0)]
    heaps = [random.normal(middle, 0.1, (20, 2)) for middle in middles]
    texts = [f"the {word} number{place} seen often" for word in ("shark", "bank", "tree") for place in range(20)]
    found = find_clusters(np.concatenate(heaps).astype(np.float32), texts)
    assert [(one.name.split(",")[0].split()[0], one.count) for one in found] == [
        ("shark", 20),
        ("bank", 20),
        ("tree", 20),
    ]
    assert found[0].at == pytest.approx((-9, 0), abs=0.1)
    assert find_clusters(np.zeros((50, 2), np.float32), ["same"] * 50) == []
    assert find_clusters(np.concatenate(heaps).astype(np.float32), ["12 34"] * 60) == []


def test_a_term_as_frequent_everywhere_is_characteristic_of_nothing():
    """Its weight is 0; that of a term of one group is high there and negative elsewhere."""
    weights = characteristic(np.array([[5, 8], [5, 0]]), np.array([10, 10]))
    assert weights[:, 0] == pytest.approx([0, 0])
    assert weights[0, 1] > 1
    assert weights[1, 1] < -1


def test_wrong_layouts_are_refused(grouped, monkeypatch):
    """An unknown kind, a seed that UMAP does not take, and a library that is not there, each say so."""
    with pytest.raises(es.QueryError, match="there is no layout 'tsne'; wanted is umap or pca"):
        read_ground(grouped, grouped.draw(), "tsne")
    for seed in (-1, 2**32):
        with pytest.raises(es.QueryError, match=f"a seed must be between 0 and 4294967295, not {seed}$"):
            grouped.map(seed=seed)
    monkeypatch.setattr("embedsearch.maps.fitting.find_spec", lambda name: None)
    with pytest.raises(EmbedSearchError, match=r"umap-learn is not installed; .*--layout pca does without"):
        points(grouped)


def test_derived_files_refuse_what_cannot_be_written(grouped, monkeypatch):
    """A full disk is an error of ours, and what was kept is as it was."""
    grouped.derived.keep("layout-test", {"a": np.arange(3)}, {"b": 1})
    kept = grouped.derived.read("layout-test")
    assert kept.arrays["a"].tolist() == [0, 1, 2]
    assert kept.stamp == {"b": 1}
    monkeypatch.setattr("numpy.savez", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match="cannot be written: No space left on device"):
        grouped.derived.keep("layout-test", {"a": np.arange(4)}, {"b": 2})
    assert grouped.derived.read("layout-test").stamp == {"b": 1}
    assert [file.name for file in grouped.path.glob("derived-*")] == ["derived-layout-test.npz"]


def test_the_command_says_how_it_was_laid_out(grouped, tmp_path):
    """Once it is laid out now, then as before, and the two files are the same, byte for byte."""
    results = [run("map", "-i", grouped.path, "-o", tmp_path / f"{n}.html", "--layout", "pca") for n in (1, 2)]
    assert [result.exit_code for result in results] == [0, 0]
    assert "Layout (laid out now): PCA of 100 texts, trustworthiness 0." in results[0].stderr
    assert "Layout (as laid out before): PCA of 100 texts" in results[1].stderr
    assert (tmp_path / "1.html").read_bytes() == (tmp_path / "2.html").read_bytes()
