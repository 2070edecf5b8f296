//! Tests of the recipes: each alone, in pairs, and all together.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::markdown::{ROOT, command_in, files, read};
use crate::{copy_repository, run, sh};

const RECIPES: &str = "docs/recipes.md";

/// Runs the app's tests in a copy, on SQLite: those whose names contain one of the words, or all if there are none.
#[track_caller]
fn run_app_tests(dir: &Path, words: &[&str]) {
    let mut command = command_in("cargo", dir);
    command.args(["test", "--test", "app", "--"]).args(words);
    run(command.env_remove("TEST_DATABASE_URL"));
}

/// Returns the modules of the app's tests that a patch adds or changes, and those that a new route or module can
/// break. The other tests run with all recipes together.
fn affected_tests(patch: &str) -> Vec<&str> {
    let files = patch.lines().filter_map(|line| line.strip_prefix("+++ b/tests/app/"));
    let mut modules: Vec<_> = files.filter_map(|file| file.strip_suffix(".rs")).collect();
    modules.retain(|module| !["main", "support"].contains(module));
    modules.extend(["architecture::", "open_routes::", "pages::", "protection::"]);
    modules
}

/// Returns the section of a recipe in the document.
fn section<'t>(text: &'t str, title: &str) -> &'t str {
    let section = text.split("\n## ").find(|section| section.starts_with(title));
    section.unwrap_or_else(|| panic!("{RECIPES} has no section {title}"))
}

/// Runs the commands of a recipe in a copy of the repository, runs the affected tests in the copy, and returns the
/// copy.
#[track_caller]
fn apply_recipe(title: &str) -> TempDir {
    let text = read(RECIPES);
    let script = section(&text, title).split("```sh\n").nth(1);
    let script = script.and_then(|rest| rest.split("```").next()).unwrap();
    let copy = copy_repository();
    sh(copy.path(), script);
    let name =
        script.split("recipes/").nth(1).and_then(|rest| rest.split_once(".patch")).unwrap().0;
    run_app_tests(copy.path(), &affected_tests(&read(format!("recipes/{name}.patch"))));
    copy
}

/// Returns the names of the recipes that are patches, in the order in which the document lists them.
pub fn patches() -> Vec<String> {
    let text = read(RECIPES);
    let names = text.split("```sh\ngit apply recipes/").skip(1);
    names.map(|rest| rest.split_once(".patch").unwrap().0.to_owned()).collect()
}

/// Returns the number of app files in a patch, and the number of all files in the patch.
fn count_files(patch: &str) -> (usize, usize) {
    let files: Vec<_> = patch
        .lines()
        .filter_map(|line| {
            line.split_once(" b/").filter(|_| line.starts_with("diff ")).map(|(_, file)| file)
        })
        .collect();
    let is_app_file =
        |file: &&&str| !file.starts_with("migrations/") && !file.starts_with("tests/");
    (files.iter().filter(is_app_file).count(), files.len())
}

#[test]
fn the_table_shows_how_many_files_each_recipe_changes() {
    let text = read(RECIPES);
    let mut names: Vec<_> = files("recipes");
    for file in &names {
        let section = text.split("\n## ").find(|section| section.contains(&format!("(../{file})")));
        let title =
            section.unwrap_or_else(|| panic!("no recipe links to {file}")).lines().next().unwrap();
        let link = format!("(#{})", title.to_lowercase().replace(' ', "-"));
        let patch = read(file);
        let (app_files, all_files) = count_files(&patch);
        let row = text.lines().find(|line| line.starts_with('|') && line.contains(&link)).unwrap();
        assert!(
            row.ends_with(&format!("| {app_files} | {all_files} |")),
            "{title} changes {app_files} app files, and {all_files} files in total"
        );
        // starter/new.sh asks a question that begins with this line.
        assert!(patch.lines().next().unwrap().ends_with('.'), "{file} does not say what it adds");
    }
    names.sort();
    let mut listed: Vec<_> = patches().iter().map(|name| format!("recipes/{name}.patch")).collect();
    listed.sort();
    assert_eq!(listed, names);
}

/// Returns the file and the old lines of each hunk that changes an existing file.
fn hunks(patch: &str) -> Vec<(String, String)> {
    let mut hunks: Vec<(String, String)> = Vec::new();
    let mut file = "";
    for line in patch.lines() {
        match line.split_at_checked(1) {
            _ if line.starts_with("--- ") => file = line.strip_prefix("--- a/").unwrap_or_default(),
            _ if line.starts_with("@@ ") => hunks.push((file.to_owned(), String::new())),
            Some((" " | "-", text)) => {
                if let Some((_, old)) = hunks.last_mut() {
                    *old += &format!("{text}\n");
                }
            }
            _ => {}
        }
    }
    hunks.retain(|(file, _)| !file.is_empty());
    hunks
}

/// If a file contained the old lines twice, Git could apply the hunk at the wrong place after another recipe has
/// moved them.
#[test]
fn the_old_lines_of_each_hunk_are_only_once_in_the_file() {
    let mut count = 0;
    for recipe in files("recipes") {
        for (file, old) in hunks(&read(&recipe)) {
            let text = format!("\n{}", read(&file));
            let places = text.matches(&format!("\n{old}")).count();
            assert_eq!(places, 1, "{recipe}: {file}:\n{old}");
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

/// A copy with one commit. Each call of `apply` begins and ends with the files of this commit.
struct Base(PathBuf);

impl Base {
    fn new(dir: &Path) -> Base {
        sh(
            dir,
            "git init -q && git add -A && git -c user.name=a -c user.email=a@b commit -qm copy",
        );
        Base(dir.to_owned())
    }

    /// Applies recipes in this order, without a three-way merge. Returns the hash of the result.
    #[track_caller]
    fn apply(&self, recipes: &[&String]) -> String {
        for recipe in recipes {
            let patch = Path::new(ROOT).join(format!("recipes/{recipe}.patch"));
            run(command_in("git", &self.0).arg("apply").arg(patch));
        }
        let tree = sh(&self.0, "git add -A && git write-tree");
        sh(&self.0, "git reset -q --hard");
        tree
    }

    /// Applies each pair in both orders, and all recipes in two orders. The order must not matter.
    fn apply_all_pairs(&self, recipes: &[String]) {
        for first in recipes {
            for second in recipes.iter().filter(|second| *second > first) {
                let pair = [first, second];
                let trees = [self.apply(&pair), self.apply(&[second, first])];
                assert_eq!(trees[0], trees[1], "{pair:?}");
            }
        }
        let listed: Vec<_> = recipes.iter().collect();
        let reverse: Vec<_> = recipes.iter().rev().collect();
        assert_eq!(self.apply(&listed), self.apply(&reverse));
    }
}

#[test]
#[ignore = "needs Git"]
fn recipes_apply_in_every_order_here_and_in_a_generated_app() {
    let recipes = patches();
    let copy = copy_repository();
    Base::new(copy.path()).apply_all_pairs(&recipes);
    let generated = copy_repository();
    sh(generated.path(), "sh starter/new.sh my-notes");
    Base::new(generated.path()).apply_all_pairs(&recipes);
}

#[test]
fn the_matrix_lists_all_pairs_of_recipes() {
    let (text, mut recipes) = (read(RECIPES), patches());
    recipes.sort();
    let header = format!("| first, then | {} |", recipes.join(" | "));
    assert!(text.contains(&header), "{header}");
    for first in &recipes {
        let cells = recipes.iter().map(|second| if first == second { "" } else { "✓" });
        let row = format!("| {first} | {} |", cells.collect::<Vec<_>>().join(" | "));
        assert!(text.contains(&row), "{row}");
    }
}

#[test]
#[ignore = "builds a copy of the app with all recipes"]
fn an_app_with_all_recipes_passes_its_tests() {
    let copy = copy_repository();
    for recipe in patches() {
        sh(copy.path(), &format!("git apply recipes/{recipe}.patch"));
    }
    run_app_tests(copy.path(), &[]);
}

/// Runs the app's tests with each pair of recipes. Takes about 2 hours, so it runs only if `RECIPE_PAIRS` is set.
#[test]
#[ignore = "builds a copy of the app for each pair, which takes hours"]
fn an_app_with_any_two_recipes_passes_its_tests() {
    if std::env::var("RECIPE_PAIRS").is_err() {
        return;
    }
    let recipes = patches();
    for first in &recipes {
        for second in recipes.iter().filter(|second| *second > first) {
            let copy = copy_repository();
            for recipe in [first, second] {
                sh(copy.path(), &format!("git apply recipes/{recipe}.patch"));
            }
            run_app_tests(copy.path(), &[]);
        }
    }
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_an_additional_page_passes_its_tests() {
    apply_recipe("A page of your own");
}

#[test]
#[ignore = "builds a copy of the app, and needs aiosmtpd"]
fn an_app_with_email_passes_its_tests() {
    let copy = apply_recipe("E-mail");
    // These tests send e-mails to a real SMTP server.
    let mut command = command_in("cargo", copy.path());
    run(command.args(["test", "--test", "wire", "smtp", "--", "--include-ignored"]));
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_account_deletion_passes_its_tests() {
    apply_recipe("Account deletion");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_a_second_factor_passes_its_tests() {
    apply_recipe("A second factor");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_an_admin_page_passes_its_tests() {
    apply_recipe("An admin-only page");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_api_tokens_passes_its_tests() {
    apply_recipe("API tokens");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_a_second_kind_of_user_passes_its_tests() {
    apply_recipe("A second kind of user");
}

#[test]
#[ignore = "builds a copy of the app"]
fn an_app_with_translated_messages_passes_its_tests() {
    apply_recipe("Translated messages");
}

#[test]
#[ignore = "builds a copy of the app, and needs PostgreSQL at TEST_DATABASE_URL"]
fn an_app_with_postgresql_by_default_passes_its_tests() {
    std::env::var("TEST_DATABASE_URL").expect("TEST_DATABASE_URL is not set");
    let copy = copy_repository();
    sh(copy.path(), "git apply recipes/postgres.patch");
    run(command_in("cargo", copy.path()).args(["test", "--test", "app", "accounts::"]));
}
