#!/bin/sh
# Removes the demo: the panel, the flight plan and the trace of each request. Run it in the directory of Cargo.toml.
set -e
perl -0pi -e 's/    if settings\.demo \{.*?\n    \}\n//s' src/lib.rs
perl -pi -e 's/, "(demo|trace(\.rs)?)"//g; $_ = "" if /\b([Dd]emo\b|[Tt]rac(e|ing))|include_dir/' \
  $(find src templates tests/app -name '*.rs' -o -name '*.tera') Rocket.toml
perl -ni -e 'print unless /include_dir/' Cargo.toml
rm -r src/demo src/trace.rs templates/demo static/demo.* tests/app/demo.rs
cargo fmt
