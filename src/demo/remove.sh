#!/bin/sh
# Removes the demo: the panel, the flight plan and the trace of each request. Run it in the directory of Cargo.toml.
set -e
perl -0pi -e 's/    if settings\.demo \{.*?\n    \}\n//s' src/lib.rs
perl -pi -e 's/, "(demo|trace(\.rs)?)"//g;
  $_ = "" if /\btrace(::|:|d\b|;|\.rs)|\bTrace\b|\bdemo(;|,|:|\/|\.demo| =)|"demo"|"ROCKET_DEMO"|[Tt]he demo[,.]|include_dir/' \
  $(find src tests/app tests/browser tests/wire templates -name '*.rs' -o -name '*.tera') Rocket.toml
perl -ni -e 'print unless /include_dir/' Cargo.toml
rm -r src/demo src/trace.rs templates/demo static/demo.* tests/app/demo.rs tests/browser/demo.rs
cargo fmt
