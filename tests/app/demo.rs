//! The demo on each page, and the pages without the demo.

use crate::support::*;

#[test]
fn a_page_shows_its_handler_guard_and_source_file() {
    let app = App::new();
    let mut browser = app.registered("ada");
    for (path, guard, handler, file) in [
        ("/", None, "home", "home"),
        ("/dashboard", Some("RequiredUser"), "dashboard", "dashboard"),
        ("/account/password", Some("FreshUser"), "password_form", "password"),
    ] {
        let page = browser.get(path);
        page.assert_contains(&format!(
            "<code>fn {handler}</code> in <code>src/routes/{file}.rs</code>"
        ));
        match guard {
            Some(guard) => page.assert_contains(&format!("<code>{guard}</code> let you in:")),
            None => page.assert_contains("Public:"),
        }
    }
    browser.get("/nowhere").assert_lacks("src/routes");
}

#[test]
fn renders_pages_without_the_demo_templates() {
    let templates = tempfile::tempdir().unwrap();
    copy_templates(templates.path(), |name| !name.starts_with("demo"));
    let app = App::configured(&format!("[debug]\ntemplate_dir = {:?}", templates.path()));
    let mut browser = app.registered("ada");
    browser.get("/").assert_lacks("flight plan");
    let page = browser.get("/dashboard");
    page.assert_contains("Welcome, ada!");
    page.assert_lacks("src/routes");
}
