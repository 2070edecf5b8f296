//! The start of the server, with `.env`, the secret key and invalid settings.

use std::fs;

use tempfile::TempDir;

use crate::server::*;

const EXAMPLE: &str = include_str!("../../.env.example");

#[test]
fn a_restart_needs_no_settings_and_keeps_sessions() {
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
fn only_the_owner_can_read_the_data_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    drop(start(&mut program(dir.path())));
    let mode = fs::metadata(dir.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files_in_a_directory_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    for name in ["data", "elsewhere"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    let url = format!("sqlite://{}", dir.path().join("elsewhere/app.sqlite").display());
    let servers =
        [start(&mut program(dir.path())), start(program(dir.path()).env("DATABASE_URL", url))];
    for server in &servers {
        server.post("/register", "", ADA);
    }
    let mut names = vec!["data/secret_key".to_owned()];
    for name in ["data/app.sqlite", "elsewhere/app.sqlite"] {
        names.extend(["", "-wal", "-shm"].map(|end| format!("{name}{end}")));
    }
    for name in names {
        let mode = fs::metadata(dir.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_release_run_without_a_key_stops_with_instructions() {
    let dir = TempDir::new().unwrap();
    let line = EXAMPLE.lines().find(|line| line.starts_with("ROCKET_SECRET_KEY=")).unwrap();
    let example = line.split_once('=').unwrap().1;
    for key in [None, Some(""), Some(example)] {
        let mut command = program(dir.path());
        command.env("ROCKET_PROFILE", "release");
        if let Some(key) = key {
            command.env("ROCKET_SECRET_KEY", key);
        }
        let error = error_of(&mut command);
        assert!(error.starts_with("Error: ROCKET_SECRET_KEY is not set"), "{error}");
        assert!(error.contains("openssl rand -base64 32"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[test]
fn a_release_run_accepts_keys_of_256_bits_or_more() {
    let dir = TempDir::new().unwrap();
    for key in ["PiaTb6aJVl0ZBmN1tAdRAKz7bUh2Tup3ZFnBwQtVWMs=".to_owned(), "Pia/".repeat(16)] {
        let mut command = program(dir.path());
        command.env("ROCKET_PROFILE", "release").env("ROCKET_SECRET_KEY", key);
        assert!(start(&mut command).get("/", "").starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn the_error_for_an_invalid_key_does_not_contain_the_key() {
    let dir = TempDir::new().unwrap();
    let key = "a secret with a typo";
    let error = error_of(program(dir.path()).env("ROCKET_SECRET_KEY", key));
    assert!(error.starts_with("Error: ROCKET_SECRET_KEY must be"), "{error}");
    assert!(!error.contains(key));
}

#[test]
fn environment_variables_override_the_env_file() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "DATABASE_URL=mysql://nothing\n").unwrap();
    assert!(error_of(&mut program(dir.path())).contains("DATABASE_URL"));
    let url = format!("sqlite://{}", dir.path().join("other.sqlite").display());
    let server = start(program(dir.path()).env("DATABASE_URL", url));
    assert!(server.get("/healthz", "").ends_with("ok"));
    assert!(dir.path().join("other.sqlite").exists());
}

#[test]
fn a_debug_run_accepts_the_example_env_file() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), EXAMPLE).unwrap();
    start(&mut program(dir.path())).post("/register", "", ADA);
    assert!(dir.path().join("data/secret_key").exists(), "the server did not create its own key");
}

#[test]
fn does_not_print_lines_of_a_malformed_env_file() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(".env"), "ROCKET_SECRET_KEY 'hush'\n").unwrap();
    let error = error_of(&mut program(dir.path()));
    assert!(error.contains(".env"), "{error}");
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn an_unreadable_env_file_stops_the_launch() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join(".env")).unwrap();
    let error = error_of(&mut program(dir.path()));
    assert!(error.contains("the file .env can't be read"), "{error}");
}

#[test]
fn the_error_for_an_invalid_environment_variable_names_the_setting() {
    let dir = TempDir::new().unwrap();
    for (name, value, expected) in [
        ("ROCKET_LOGIN", "{fresh_for = 0}", "fresh_for"),
        ("ROCKET_LOGIN", "{session_protection = \"paranoid\"}", "session_protection"),
        ("ROCKET_LOGIN", "yes", "login"),
        ("ROCKET_PORT", "eighty", "port"),
        ("DATABASE_URL", "mysql://nothing", "DATABASE_URL"),
    ] {
        let error = error_of(program(dir.path()).env(name, value));
        assert!(error.contains(expected), "{name}={value}: {error}");
    }
}

#[test]
fn a_port_in_use_causes_an_error_without_a_panic() {
    let dir = TempDir::new().unwrap();
    let server = start(&mut program(dir.path()));
    let error = error_of(program(dir.path()).env("ROCKET_PORT", server.port.to_string()));
    assert!(error.starts_with("Error: "), "{error}");
    assert!(!error.contains("panicked"), "{error}");
}

#[test]
fn a_malformed_settings_file_stops_every_command_and_is_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("Rocket.toml");
    std::fs::write(&file, "[default]\nsecret_key = \"hunter2\n").unwrap();
    for arguments in [&[][..], &["user", "list"]] {
        let mut program = program(dir.path());
        let error = error_of(program.env("ROCKET_CONFIG", &file).args(arguments));
        assert!(error.contains("TOML parse error at line 2"), "{arguments:?}: {error}");
        assert!(
            !error.contains("hunter2") && !error.contains("panicked"),
            "{arguments:?}: {error}"
        );
    }
}
