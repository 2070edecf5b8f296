#!/bin/sh
# Prints how long the chapters of the tutorial are, beside Flask's tutorial. Measures docs/tutorial/[0-9]*.md, or the
# files in the arguments.
#
# words       in the whole file, as `wc -w` counts them
# prose       words outside of code blocks
# lines       of code that the reader writes or reads: blocks whose label, the line above, names a file
# blocks      of such code, with the longest and the median in lines
# commands    lines that begin with `$ ` in console blocks, and lines of sh blocks
# you         how often the prose says "you" or "your"
# prose/line  words of prose per line of code
set -eu
if [ $# = 0 ]; then
    cd "$(dirname "$0")"
    set -- $(ls [0-9]*.md | sort -n)
    [ $# -gt 0 ] || exit 1
fi
awk '
function print_row(name, i) {
    print_line(name, sum["words", i] + 0, sum["prose", i] + 0, sum["lines", i] + 0, sum["blocks", i] + 0,
        sum["longest", i] + 0, median(i) + 0, sum["commands", i] + 0, sum["you", i] + 0,
        sum["lines", i] ? sprintf("%.1f", sum["prose", i] / sum["lines", i]) : "-")
}

function print_line(name, words, prose, lines, blocks, longest, middle, commands, you, per_line) {
    printf "%-20s %7s %7s %7s %7s %7s %7s %8s %5s %10s\n",
        name, words, prose, lines, blocks, longest, middle, commands, you, per_line
}

# Adds to the chapter, to the total, and to the total of the first two chapters.
function add(what, count) {
    sum[what, chapter] += count
    sum[what, "all"] += count
    if (chapter <= 2) sum[what, "first"] += count
}

function add_block(i) {
    sizes[i, ++sum["blocks", i]] = size
    if (size > sum["longest", i]) sum["longest", i] = size
}

function median(i,    n, j, k, size, sorted) {
    n = sum["blocks", i]
    for (j = 1; j <= n; j++) {
        size = sizes[i, j]
        for (k = j - 1; k > 0 && sorted[k] > size; k--) sorted[k + 1] = sorted[k]
        sorted[k + 1] = size
    }
    return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function count_you(line,    words, n, j, count) {
    n = split(tolower(line), words, /[^a-z]+/)
    for (j = 1; j <= n; j++) if (words[j] == "you" || words[j] == "your") count++
    return count
}

FNR == 1 { chapter++; name = FILENAME; sub(/.*\//, "", name); sub(/\.md$/, "", name); names[chapter] = name; language = "" }
{ add("words", NF) }

/^```/ && language == "" {
    language = substr($0, 4)
    if (language == "") language = "text"
    is_file = language ~ /^(rust|html|sql|toml|css|javascript)/ && label ~ /^(From )?(\[[^]]+\]\([^)]+\)|`[^` ]*[.\/][^` ]*`).*:$/
    size = 0
    next
}
/^```/ {
    if (is_file) {
        add("lines", size)
        add_block(chapter)
        add_block("all")
        if (chapter <= 2) add_block("first")
    }
    language = label = ""
    next
}
language == "" {
    add("prose", NF)
    add("you", count_you($0))
    if (NF) label = $0
    next
}
{ size++ }
language == "console" && /^\$ / || language == "sh" && NF { add("commands", 1) }

END {
    print_line("chapter", "words", "prose", "lines", "blocks", "longest", "median", "commands", "you", "prose/line")
    for (i = 1; i <= chapter; i++) print_row(names[i], i)
    print_row("all chapters", "all")
    print_row("chapters 1 and 2", "first")
    # For comparison: the tutorial of Flask, and the Flask Mega-Tutorial up to the first login.
    print_line("flaskr", "4789", "-", "206", "-", "-", "-", "-", "85", "19")
    print_line("mega-tutorial", "-", "-", "244", "-", "-", "-", "-", "-", "-")
}' "$@"
