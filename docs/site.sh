#!/bin/sh
# Builds the documents as a site in target/site. Needs git and mdbook, and fails if mdbook prints a warning.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/target/tools/bin
book=target/book
site=target/site
rm -rf $book $site
mkdir -p $book/src

# Links in the documents lead to source files, so the site has a page for each file. mdbook renders README.md as
# index.html.
link_to_pages='
/^ *```/ { is_code = !is_code }
{
    done = ""
    while (!is_code && match($0, /\]\([^)]*\)/)) {
        link = substr($0, RSTART, RLENGTH - 1)
        sub(/README\.md/, "index.md", link)
        if (link !~ /:\/\/|\]\(#|\.(md|png|svg)(#|$)/) link = link ".html"
        done = done substr($0, 1, RSTART - 1) link ")"
        $0 = substr($0, RSTART + RLENGTH)
    }
    print done $0
}'
page='
BEGIN {
    print "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">"
    print "<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">"
    print "<title>" name "</title>\n<h1 style=\"font: bold 1rem sans-serif\">" name "</h1>\n<pre><code>"
}
{ gsub(/&/, "\\&amp;"); gsub(/</, "\\&lt;"); gsub(/>/, "\\&gt;"); gsub(/"/, "\\&quot;"); print }
END { print "</code></pre>\n</html>" }'

git ls-files --cached --others --exclude-standard | while IFS= read -r file; do
    test -f "$file" || continue
    copy=$book/src/$file
    mkdir -p "$(dirname "$copy")"
    case $file in
        *.md) awk "$link_to_pages" "$file" >"$copy" ;;
        *.png | *.svg) cp "$file" "$copy" ;;
        *) awk -v name="$file" "$page" "$file" >"$copy.html" ;;
    esac
done

cp docs/book.toml docs/site.css $book
# The links of SUMMARY.md are relative to docs/, and mdbook needs them relative to the repository.
sed 's|](\([a-z]\)|](docs/\1|; s|](\.\./|](|' docs/SUMMARY.md >$book/src/SUMMARY.md

warnings=$(MDBOOK_LOG=warn mdbook build $book 2>&1) || true
if [ -n "$warnings" ] || [ ! -f $site/index.html ]; then
    echo "$warnings" >&2
    exit 1
fi
echo "$site/index.html"
