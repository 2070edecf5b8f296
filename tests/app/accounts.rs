//! Registration and usernames.

use rocket::http::Status;

use crate::support::*;

fn register(app: &App, username: &str, password: &str) -> Response {
    app.browser().post("/register", &[("username", username), ("password", password)])
}

#[track_caller]
fn assert_field_error(response: &Response, field: &str, error: &str) {
    assert_eq!(response.status, Status::UnprocessableEntity);
    response.assert_contains(&format!("id=\"{field}-error\">{error}"));
}

#[test]
fn a_username_has_3_to_64_allowed_characters() {
    let app = App::new();
    let long = "x".repeat(64);
    for name in ["abc", "A.b_c-9", long.as_str()] {
        assert_eq!(register(&app, name, PASSWORD).location(), "/dashboard", "{name}");
    }
    let longer = "x".repeat(65);
    for name in ["", "ab", longer.as_str(), "a b", "añb", "a\u{0}bc", "<b>bold</b>", "abc;--"] {
        let response = register(&app, name, PASSWORD);
        assert_field_error(&response, "username", "Use ");
        response.assert_lacks("<b>bold");
    }
    assert_eq!(app.number("SELECT count(*) AS number FROM users"), 3);
}

#[test]
fn a_username_is_unique_regardless_of_case_and_keeps_its_case() {
    let app = App::new();
    app.registered("Ada").get("/dashboard").assert_contains("Welcome, Ada!");
    for name in ["Ada", "ada", "ADA", " ada "] {
        assert_field_error(&register(&app, name, PASSWORD), "username", "This username is taken");
    }
}

#[test]
fn a_password_needs_15_characters_not_15_bytes() {
    let app = App::new();
    assert_field_error(
        &register(&app, "ada", &"é".repeat(14)),
        "password",
        "Use 15 characters or more",
    );
    assert_field_error(
        &register(&app, "ada", "fourteen chars"),
        "password",
        "Use 15 characters or more",
    );
    assert_eq!(register(&app, "ada", &"é".repeat(15)).location(), "/dashboard");
}

#[test]
fn accepts_any_characters_in_passwords_and_does_not_truncate_them() {
    let app = App::new();
    let long = "🚀".repeat(256);
    for (name, password) in
        [("spaces", "  fifteen spaces  "), ("nul", "before\u{0}after and more"), ("long", &long)]
    {
        assert_eq!(register(&app, name, password).location(), "/dashboard", "{name}");
        let mut browser = app.browser();
        let truncated = &password[..password.len() - if name == "long" { 4 } else { 1 }];
        let wrong = browser.post("/login", &[("username", name), ("password", truncated)]);
        assert_eq!(wrong.status, Status::UnprocessableEntity, "{name}");
        let right = browser.post("/login", &[("username", name), ("password", password)]);
        assert_eq!(right.location(), "/dashboard", "{name}");
    }
}

#[test]
fn rejects_a_password_that_exceeds_1024_bytes_or_equals_the_username() {
    let app = App::new();
    let name = "a-name-of-15-chars";
    // In upper case, with spaces around the username, and in full-width letters.
    let full_width = name.replace('a', "\u{ff41}");
    for (name, password) in
        [(name, "A-NAME-OF-15-CHARS"), (" a-name-of-15-chars ", name), (name, &full_width)]
    {
        let response = register(&app, name, password);
        assert_field_error(&response, "password", "Use a password that is not your username.");
    }
    // Eight characters after the normalization.
    let decomposed = register(&app, "ada", &"e\u{301}".repeat(8));
    assert_field_error(&decomposed, "password", "Use 15 characters or more");
    assert_field_error(
        &register(&app, "ada", &"x".repeat(1025)),
        "password",
        "Use at most 1024 bytes.",
    );
}

#[test]
fn a_decomposed_unicode_password_matches_its_composed_form() {
    let app = App::new();
    register(&app, "ada", "caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e");
    let decomposed = "cafe\u{301} cre\u{300}me bru\u{302}le\u{301}e";
    let form = [("username", "ada"), ("password", decomposed)];
    assert_eq!(app.browser().post("/login", &form).location(), "/dashboard");
}

#[test]
fn a_form_with_an_error_keeps_the_username_but_not_the_password() {
    let app = App::new();
    let response = register(&app, "ada lovelace", "a password of mine");
    response.assert_contains("value=\"ada lovelace\"");
    response.assert_lacks("a password of mine");
    let response =
        app.browser().post("/login", &[("username", "ada"), ("password", "hunter2hunter2")]);
    response.assert_contains("value=\"ada\"");
    response.assert_lacks("hunter2hunter2");
}

#[test]
fn stores_an_argon2id_hash_instead_of_the_password() {
    let app = App::new();
    app.registered("ada");
    let hash = app.text("SELECT password_hash AS text FROM users");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(app.number("SELECT count(*) AS number FROM users WHERE is_active"), 1);
}

/// Inserts a user whose password hash takes `memory_kib` KiB of memory, and returns the hash.
fn insert_user(app: &App, name: &str, memory_kib: u32) -> String {
    use argon2::password_hash::{CustomizedPasswordHasher, phc::PasswordHash};
    let params = argon2::Params::new(memory_kib, 2, 1, None).unwrap();
    let hash: PasswordHash = argon2::Argon2::default()
        .hash_password_with_params(PASSWORD.as_bytes(), b"sixteen bytes of", params)
        .unwrap();
    app.sql(&format!("INSERT INTO users (username, password_hash) VALUES ('{name}', '{hash}')"));
    hash.to_string()
}

#[test]
fn a_login_replaces_a_weaker_hash_and_keeps_a_stronger_hash() {
    let app = App::new();
    for (name, memory_kib, is_replaced) in [("old", 8 * 1024, true), ("strong", 32 * 1024, false)] {
        let hash = insert_user(&app, name, memory_kib);
        assert_eq!(app.browser().log_in(name).location(), "/dashboard");
        let stored =
            app.text(&format!("SELECT password_hash AS text FROM users WHERE username = '{name}'"));
        assert_eq!(stored != hash, is_replaced, "{stored}");
        assert_eq!(stored.contains("m=19456,t=2,p=1"), is_replaced, "{stored}");
        assert_eq!(app.browser().log_in(name).location(), "/dashboard");
    }
}

#[test]
fn a_login_succeeds_even_if_its_rehash_fails() {
    let app = App::new();
    insert_user(&app, "old", 8 * 1024);
    app.fail_updates("users", "password_hash");
    assert_eq!(app.browser().log_in("old").location(), "/dashboard");
}

#[test]
fn a_manually_inserted_user_can_log_in() {
    let app = App::new();
    app.registered("ada");
    app.sql(
        "INSERT INTO users (id, username, password_hash)
             SELECT 77, 'Grace', password_hash FROM users",
    );
    let mut browser = app.browser();
    assert_eq!(browser.log_in("grace").location(), "/dashboard");
    let response = browser.get_json("/api/me");
    assert_eq!(response.body, r#"{"id":77,"username":"Grace"}"#);
    app.sql(
        "INSERT INTO users (id, username, password_hash)
             SELECT 2, 'Edsger', password_hash FROM users WHERE id = 1",
    );
    app.registered("alan");
}

#[test]
fn redirects_logged_in_users_away_from_the_login_and_register_pages() {
    let app = App::new();
    app.registered("grace");
    let mut browser = app.registered("ada");
    let form = [("username", "grace"), ("password", PASSWORD)];
    for path in ["/login", "/register"] {
        assert_eq!(browser.get(path).location(), "/dashboard");
        assert_eq!(browser.post(path, &form).location(), "/dashboard");
    }
    browser.get("/dashboard").assert_contains("Welcome, ada!");
    assert_eq!(app.number("SELECT count(*) AS number FROM users"), 2);
}

#[test]
fn a_registration_that_fails_halfway_does_not_take_the_username() {
    let app = App::new();
    let ada = [("username", "ada"), ("password", PASSWORD)];
    app.fail("INSERT ON sessions");
    assert_eq!(app.browser().post("/register", &ada).status, Status::ServiceUnavailable);
    assert_eq!(app.number("SELECT count(*) AS number FROM users"), 0);
    let on_table = if app.is_on_postgres() { " ON sessions" } else { "" };
    app.sql(&format!("DROP TRIGGER fail{on_table}"));
    assert_eq!(app.browser().post("/register", &ada).location(), "/dashboard");
}

#[test]
fn registration_skips_ids_of_manually_inserted_users() {
    let app = App::new();
    app.sql(
        "INSERT INTO users (id, username, password_hash) VALUES (1, 'a-1', ''), (2, 'a-2', ''),
         (3, 'a-3', ''), (1000, 'a-1000', '')",
    );
    app.registered("ada");
    assert_eq!(app.number("SELECT id AS number FROM users WHERE username = 'ada'"), 1001);
}
