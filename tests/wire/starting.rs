//! Starting: what a first run needs, what a release run wants, what a wrong setting says.

use std::fs;

use tempfile::TempDir;

use crate::server::*;

const EXAMPLE: &str = include_str!("../../.env.example");

#[test]
fn a_first_run_needs_nothing_and_a_second_one_knows_who_was_signed_in() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let cookie = cookie(&server.post("/register", "", ADA));
    assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
    drop(server);
    let server = start(&mut program(dir.path()));
    assert!(server.get("/dashboard", &cookie).contains("Welcome, ada!"));
}

#[cfg(unix)]
#[test]
fn what_a_first_run_leaves_is_for_its_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    drop(start(&mut program(dir.path())));
    let mode = fs::metadata(dir.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_release_run_without_a_key_of_its_own_says_what_to_do() {
    let dir = TempDir::new().unwrap();
    let line = EXAMPLE.lines().find(|line| line.starts_with("ROCKET_SECRET_KEY=")).unwrap();
    let example = line.split_once('=').unwrap().1;
    for key in [None, Some(""), Some(example)] {
        let mut command = program(dir.path());
        command.env("ROCKET_PROFILE", "release");
        if let Some(key) = key {
            command.env("ROCKET_SECRET_KEY", key);
        }
        let sentence = refused(&mut command);
        assert!(sentence.starts_with("Error: ROCKET_SECRET_KEY is not set"), "{sentence}");
        assert!(sentence.contains("openssl rand -base64 32"), "{sentence}");
        assert_eq!(sentence.lines().count(), 1);
    }
}

#[test]
fn a_release_run_takes_a_key_of_any_length_from_256_bits() {
    let dir = TempDir::new().unwrap();
    for key in ["PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=".to_owned(), "Pia/".repeat(16)] {
        let mut command = program(dir.path());
        command.env("ROCKET_PROFILE", "release").env("ROCKET_SECRET_KEY", key);
        assert!(start(&mut command).get("/", "").starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn a_key_that_can_not_be_read_is_named_and_not_printed() {
    let dir = TempDir::new().unwrap();
    let key = "a secret that somebody mistyped";
    let sentence = refused(program(dir.path()).env("ROCKET_SECRET_KEY", key));
    assert!(sentence.starts_with("Error: ROCKET_SECRET_KEY must be"), "{sentence}");
    assert!(!sentence.contains(key));
}

#[test]
fn the_env_file_of_the_working_directory_is_read_and_the_environment_wins() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "DATABASE_URL=mysql://nothing\n").unwrap();
    assert!(refused(&mut program(dir.path())).contains("DATABASE_URL"));
    let url = format!("sqlite://{}", dir.path().join("other.sqlite").display());
    let server = start(program(dir.path()).env("DATABASE_URL", url));
    assert!(server.get("/healthz", "").ends_with("ok"));
    assert!(dir.path().join("other.sqlite").exists());
}

#[test]
fn the_example_is_an_env_file_that_a_debug_run_takes() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), EXAMPLE).unwrap();
    start(&mut program(dir.path())).post("/register", "", ADA);
    assert!(dir.path().join("data/secret_key").exists(), "the public key was used");
}

#[test]
fn a_broken_env_file_stops_the_launch_without_repeating_it() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "ROCKET_SECRET_KEY 'hush'\n").unwrap();
    let sentence = refused(&mut program(dir.path()));
    assert!(sentence.contains(".env"), "{sentence}");
    assert!(!sentence.contains("hush"), "{sentence}");
}

#[test]
fn an_env_file_that_can_not_be_read_is_no_missing_one() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join(".env")).unwrap();
    let sentence = refused(&mut program(dir.path()));
    assert!(sentence.contains("the file .env can't be read"), "{sentence}");
}

#[test]
fn a_wrong_setting_from_the_environment_names_itself() {
    let dir = TempDir::new().unwrap();
    for (name, value, says) in [
        ("ROCKET_LOGIN", "{fresh_for = 0}", "fresh_for"),
        ("ROCKET_LOGIN", "{session_protection = \"paranoid\"}", "session_protection"),
        ("ROCKET_LOGIN", "yes", "login"),
        ("ROCKET_PORT", "eighty", "port"),
        ("DATABASE_URL", "mysql://nothing", "DATABASE_URL"),
    ] {
        let sentence = refused(program(dir.path()).env(name, value));
        assert!(sentence.contains(says), "{name}={value}: {sentence}");
    }
}

#[test]
fn a_port_that_is_taken_is_an_error_and_no_panic() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let sentence = refused(program(dir.path()).env("ROCKET_PORT", server.port.to_string()));
    assert!(sentence.starts_with("Error: "), "{sentence}");
    assert!(!sentence.contains("panicked"), "{sentence}");
}
