//! Rebuilds the program when a migration is added: Diesel's macro does not notice a new directory.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
