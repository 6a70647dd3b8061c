#!/bin/sh
# The main job on the shipped corpus. Each command is printed before it runs, so that you can go on alone.
# Run it with: make demo
set -eu

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold= plain=; fi

say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

run() {
    printf '$ %s\n' "$1"
    eval "$1"
}

say "1. Ingest the corpus: phrases and articles about predation, and the axes they are measured on"
run 'embedsearch ingest corpus/'

say "2. Search by meaning and by words"
run 'embedsearch search "a trap that waits for its victim to come" -k 4 -f table'

say "3. What is predatory and large?"
run 'embedsearch place --all -a predatoriness,size --sort predatoriness -k 8 --where "size > 1 and not missing(kind)" -f table'
run 'embedsearch place wolf sheep spider politician "loan shark" "blue whale" plankton -a predatoriness,size -f table'
run 'embedsearch compare kind -a predatoriness -f table'

say "4. sheep + spider: in the whole space, and on the axes among persons"
run 'embedsearch calc "sheep + spider" -k 4 -f table'
run "embedsearch calc \"sheep + spider\" --on predatoriness,size --where 'kind == \"person\"' -k 5 -f table"

say "5. What lies at a point?"
run 'embedsearch locate predatoriness=1.5 size=-1.5 -k 5 -f table'

say "6. Filter the articles, and compare with the labels that people gave"
run "embedsearch filter corpus/articles.jsonl --check relevant --where 'predatoriness > p30 and (near(\"an animal hunting its prey\") > 0.25 or near(\"exploiting and defrauding people\") > 0.25)' > relevant.jsonl"
run 'head -c 300 relevant.jsonl'

say "7. Screen the articles for one question: what to read first"
run 'embedsearch screen rank --name demo --topic "fraud, extortion and lending to the desperate" --where "year >= 1000" -n 5 -f table'

printf '\n\nThe index is in indexes/predation, the filtered articles are in relevant.jsonl. Go on with:\n. .venv/bin/activate\nembedsearch --help\n'
