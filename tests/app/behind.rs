//! What the pages of the demo say of their own code.

use crate::support::*;

#[test]
fn every_page_says_which_guard_let_the_visitor_in_as_its_source_has_it() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for (path, guard, handler, file) in [
        ("/", None, "home", "home"),
        ("/dashboard", Some("RequiredUser"), "dashboard", "dashboard"),
        ("/account/password", Some("FreshUser"), "password_form", "password"),
    ] {
        let page = browser.get(path);
        page.shows(&format!("<code>fn {handler}</code> in <code>src/routes/{file}.rs</code>"));
        match guard {
            Some(guard) => page.shows(&format!("<code>{guard}</code> let you in:")),
            None => page.shows("Open to all:"),
        }
    }
    browser.get("/nowhere").hides("src/routes");
}

#[test]
fn the_pages_do_without_the_partial_that_says_it() {
    let templates = tempfile::tempdir().unwrap();
    let ours = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).unwrap();
    for file in ours.map(Result::unwrap).filter(|file| file.file_name() != "behind.html.tera") {
        std::fs::copy(file.path(), templates.path().join(file.file_name())).unwrap();
    }
    let app = App::configured(&format!("[debug]\ntemplate_dir = {:?}", templates.path()));
    let page = app.registered("ada").get("/dashboard");
    page.shows("Welcome, ada!");
    page.hides("src/routes");
}
