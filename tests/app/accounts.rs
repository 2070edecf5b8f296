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
fn a_username_is_taken_in_any_case_and_shown_as_typed() {
    let app = App::new();
    app.registered("Ada").get("/dashboard").assert_contains("Welcome, Ada!");
    for name in ["Ada", "ada", "ADA", " ada "] {
        assert_field_error(&register(&app, name, PASSWORD), "username", "This username is taken");
    }
}

#[test]
fn a_password_has_15_characters_not_15_bytes() {
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
fn accepts_any_characters_in_a_password_and_truncates_none() {
    let app = App::new();
    let long = "🚀".repeat(256);
    for (name, password) in
        [("spaces", "  fifteen spaces  "), ("nul", "before\u{0}after and more"), ("long", &long)]
    {
        assert_eq!(register(&app, name, password).location(), "/dashboard", "{name}");
        let mut browser = app.browser();
        let almost = &password[..password.len() - if name == "long" { 4 } else { 1 }];
        let wrong = browser.post("/login", &[("username", name), ("password", almost)]);
        assert_eq!(wrong.status, Status::UnprocessableEntity, "{name}");
        let right = browser.post("/login", &[("username", name), ("password", password)]);
        assert_eq!(right.location(), "/dashboard", "{name}");
    }
}

#[test]
fn rejects_passwords_over_1024_bytes_and_the_username_as_password() {
    let app = App::new();
    let same = register(&app, "a-name-of-15-chars", "A-NAME-OF-15-CHARS");
    assert_field_error(&same, "password", "Use a password that is not your username.");
    assert_field_error(
        &register(&app, "ada", &"x".repeat(1025)),
        "password",
        "Use at most 1,024 bytes.",
    );
}

#[test]
fn a_password_matches_in_any_unicode_normalization() {
    let app = App::new();
    register(&app, "ada", "caf\u{e9} cr\u{e8}me br\u{fb}l\u{e9}e");
    let composed_otherwise = "cafe\u{301} cre\u{300}me bru\u{302}le\u{301}e";
    let form = [("username", "ada"), ("password", composed_otherwise)];
    assert_eq!(app.browser().post("/login", &form).location(), "/dashboard");
}

#[test]
fn a_validation_error_keeps_the_username_and_not_the_password() {
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
fn stores_an_argon2id_hash_and_not_the_password() {
    let app = App::new();
    app.registered("ada");
    let hash = app.text("SELECT password_hash AS text FROM users");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert_eq!(app.number("SELECT count(*) AS number FROM users WHERE is_active"), 1);
}

/// Inserts a user whose password was hashed with this many KiB of memory.
fn insert_hashed_with(app: &App, name: &str, memory: u32) -> String {
    use argon2::password_hash::{CustomizedPasswordHasher, phc::PasswordHash};
    let params = argon2::Params::new(memory, 2, 1, None).unwrap();
    let hash: PasswordHash = argon2::Argon2::default()
        .hash_password_with_params(PASSWORD.as_bytes(), b"sixteen bytes of", params)
        .unwrap();
    app.sql(&format!("INSERT INTO users (username, password_hash) VALUES ('{name}', '{hash}')"));
    hash.to_string()
}

#[test]
fn rehashes_a_weaker_hash_at_login_and_keeps_a_stronger_one() {
    let app = App::new();
    for (name, memory, renewed) in [("old", 8 * 1024, true), ("strong", 32 * 1024, false)] {
        let hash = insert_hashed_with(&app, name, memory);
        assert_eq!(app.browser().log_in(name).location(), "/dashboard");
        let kept =
            app.text(&format!("SELECT password_hash AS text FROM users WHERE username = '{name}'"));
        assert_eq!(kept != hash, renewed, "{kept}");
        assert_eq!(kept.contains("m=19456,t=2,p=1"), renewed, "{kept}");
        assert_eq!(app.browser().log_in(name).location(), "/dashboard");
    }
}

#[test]
fn a_rehash_that_fails_does_not_fail_the_login() {
    let app = App::new();
    insert_hashed_with(&app, "old", 8 * 1024);
    app.fail_updates("users", "password_hash");
    assert_eq!(app.browser().log_in("old").location(), "/dashboard");
}

#[test]
fn a_user_inserted_by_hand_logs_in() {
    let app = App::new();
    app.registered("ada");
    app.sql(
        "INSERT INTO users (id, username, password_hash)
             SELECT 77, 'Grace', password_hash FROM users",
    );
    let mut browser = app.browser();
    assert_eq!(browser.log_in("grace").location(), "/dashboard");
    let me = browser.get_json("/api/me");
    assert_eq!(me.body, r#"{"id":77,"username":"Grace"}"#);
    app.sql(
        "INSERT INTO users (id, username, password_hash)
             SELECT 2, 'Edsger', password_hash FROM users WHERE id = 1",
    );
    app.registered("alan");
}

#[test]
fn redirects_logged_in_users_from_the_login_and_register_pages() {
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
fn a_registration_that_fails_halfway_leaves_the_username_free() {
    let app = App::new();
    let ada = [("username", "ada"), ("password", PASSWORD)];
    app.fail("INSERT ON sessions");
    assert_eq!(app.browser().post("/register", &ada).status, Status::ServiceUnavailable);
    assert_eq!(app.number("SELECT count(*) AS number FROM users"), 0);
    let drop = if app.is_on_postgres() { " ON sessions" } else { "" };
    app.sql(&format!("DROP TRIGGER fail{drop}"));
    assert_eq!(app.browser().post("/register", &ada).location(), "/dashboard");
}

#[test]
fn skips_ids_that_were_inserted_by_hand() {
    let app = App::new();
    app.sql(
        "INSERT INTO users (id, username, password_hash) VALUES (1, 'a-1', ''), (2, 'a-2', ''),
         (3, 'a-3', ''), (1000, 'a-1000', '')",
    );
    app.registered("ada");
    assert_eq!(app.number("SELECT id AS number FROM users WHERE username = 'ada'"), 1001);
}
