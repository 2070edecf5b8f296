#!/bin/sh
# Turns this copy into your own app: sets its name, applies recipes, and removes the demo and the files that only this
# repository needs. Asks for the name and about each recipe. To skip the questions: sh starter/new.sh NAME [RECIPE…]
set -eu
cd "$(dirname "$0")/.."
# Makes `git apply` ignore a repository around this directory. Otherwise, it would do nothing in this subdirectory.
GIT_CEILING_DIRECTORIES=$(dirname "$PWD")
export GIT_CEILING_DIRECTORIES

fail() {
    echo "$1" >&2
    exit 1
}

# Prints a question, and reads a line into `answer`.
ask() {
    printf '%s ' "$1"
    read -r answer || fail "No answer. Run sh starter/new.sh NAME [RECIPE…] to skip the questions."
}

name=$(sed -n 's/^name = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
if [ $# -gt 0 ]; then
    name=$1
    shift
    recipes=$*
else
    if [ "$name" = rocket-login-demo ]; then
        ask "What is the name of your app? For example: my-app"
        name=$answer
    fi
    recipes=
    for patch in recipes/*.patch; do
        ask "$(head -n 1 "$patch") Apply this recipe? [y/N]"
        case $answer in [yY]*) recipes="$recipes $(basename "$patch" .patch)" ;; esac
    done
fi

# Checks the name and the recipes before the first change.
case $name in
    [a-z]*) ;;
    *) fail "The name must begin with a letter from a to z." ;;
esac
case $name in
    *[!a-z0-9_-]*) fail "The name can contain only letters from a to z, digits, - and _." ;;
    app | rocket_login | test | core | std | alloc | proc_macro) fail "This name is reserved. Choose another one." ;;
esac
for recipe in $recipes; do
    [ -f "recipes/$recipe.patch" ] || fail "There is no recipe $recipe."
done

features=
for recipe in $recipes; do
    echo "Applying the recipe $recipe."
    git apply "recipes/$recipe.patch"
    features="$features- $(head -n 1 "recipes/$recipe.patch")
"
done

# Sets the name, which is also the title of the pages.
title=$(echo "$name" | perl -pe 's/[-_]+/ /g; s/(\w+)/\u$1/g')
perl -ni -e 'print unless /% (end)?capture |^# The program and its pages|^# $|^(description|license) =/' Cargo.toml
perl -pi -e "s/^name = \"rocket-login-demo\"/name = \"$name\"/" Cargo.toml Cargo.lock
[ ! -f starter/README.md ] || mv starter/README.md README.md
perl -pi -e "s/\{\{ project-name \| title_case \}\}/$title/; s/\{\{ project-name \}\}/$name/" README.md
features="${features:+Beyond logins, the app has these features:

$features
}" perl -0pi -e 's/\@features\@\n\n/$ENV{features}/' README.md
perl -pi -e 's/^\/\/! User login for Rocket, by example\.$/\/\/! A web app with logins./' src/lib.rs
perl -ni -e 'print unless /tutorial|diesel_lock/' .gitignore

# Adds the home page, and replaces the rocket with a plain icon.
mv starter/home.html.tera templates/home.html.tera
perl -pi -e 's/content="User login for Rocket\."/content="{{ site }}"/; s/%3Cpath.*?\/%3E//g; s/<svg .*?<\/svg> //' templates/base.html.tera

# Removes the demo, the documents and the tests that only this repository needs.
sh src/demo/remove.sh
perl -ni -e 'print unless /^\.brand svg/' static/style.css
perl -0pi -e 's/\n#\[test\]\nfn no_source_file_is_longer_than.*?\n\}\n//s' tests/app/architecture.rs
mkdir -p .github/workflows
mv starter/ci.yml .github/workflows/ci.yml
mv starter/deny.toml deny.toml
rm -rf .ci docs recipes starter tests/documents tests/copies tests/fixtures/flex_session.rs cargo-generate.toml LICENSE-*
cargo update --quiet --workspace

echo "$title is ready. Try it with cargo run, and test it with cargo test."
if git rev-parse --quiet --verify HEAD >/dev/null 2>&1; then
    echo "To start a new Git history, run: rm -rf .git && git init"
fi
