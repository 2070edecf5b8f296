//! Settings, and launches that fail.

use std::num::NonZeroU32;

use crate::support::*;
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::local::blocking::Client;
use rocket::{get, routes};
use rocket_login::{CurrentUser, FreshUser, Login, LoginManager, RequiredUser, Settings};
use rocket_login::{SessionProtection, testing};

fn with_toml(toml: &str) -> Figment {
    figment().merge(Toml::string(toml).nested())
}

#[track_caller]
fn launch_error(rocket: rocket::Rocket<rocket::Build>) -> String {
    // Converts the error, because Rocket panics if a launch error is dropped unread.
    Client::untracked(rocket).err().map(|error| error.to_string()).expect("the launch did not fail")
}

#[test]
fn reads_settings_from_the_login_table_at_launch() {
    let toml = "[default.login]\nremember_lifetime = 77";
    let rocket = rocket::custom(with_toml(toml)).manage(Users::default()).attach(manager());
    let client = Client::untracked(rocket).unwrap();
    let remember = rocket_login::Remember::Yes;
    let cookie = testing::session_cookie::<User>(client.rocket(), "1", remember).unwrap();
    let (content, now) = (cookie.value(), rocket::time::OffsetDateTime::now_utc().unix_timestamp());
    let expires = content.split("\"expires\":").nth(1).unwrap().split(',').next().unwrap();
    assert!((now + 70..=now + 77).contains(&expires.parse::<i64>().unwrap()), "{content}");
}

#[test]
fn reads_every_setting_and_uses_defaults_without_a_login_table() {
    assert_eq!(Settings::from_figment(&with_toml(""), &[]).unwrap(), Settings::default());
    let toml = "[default.login]
        session_lifetime = 1
        remember_lifetime = 2
        fresh_for = 3
        session_protection = 'strong'
        secure_cookies = true";
    let seconds = |n| NonZeroU32::new(n).unwrap();
    let mut settings = Settings::default();
    settings.session_lifetime = seconds(1);
    settings.remember_lifetime = seconds(2);
    settings.fresh_for = seconds(3);
    settings.session_protection = SessionProtection::Strong;
    settings.secure_cookies = true;
    assert_eq!(Settings::from_figment(&with_toml(toml), &[]).unwrap(), settings);
}

#[test]
fn the_launch_fails_with_an_error_that_names_the_invalid_setting() {
    for (toml, named) in [
        ("login = 5", "login"),
        ("login.fresh_for = 0", "login.fresh_for"),
        ("login.fresh_for = 'long'", "login.fresh_for"),
        ("login.session_protection = 'paranoid'", "login.session_protection"),
        ("login.fresh_fro = 5", "login.fresh_fro"),
        ("login.idle_timeout = 5", "login.idle_timeout"),
    ] {
        let figment = with_toml(&format!("[default]\n{toml}"));
        let error = Settings::from_figment(&figment, &["own"]).unwrap_err();
        assert!(error.to_string().contains(named), "{error}");
        let rocket = rocket::custom(figment).manage(Users::default()).attach(manager());
        assert_eq!(launch_error(rocket), "launch fairing(s) failed", "{toml}");
    }
}

#[test]
fn accepts_the_apps_own_settings_in_the_login_table() {
    let figment = with_toml("[default.login]\nidle_timeout = 5");
    let manager = manager().app_setting("idle_timeout");
    let rocket = rocket::custom(figment).manage(Users::default()).attach(manager);
    assert!(Client::untracked(rocket).is_ok());
}

#[test]
fn the_launch_fails_without_a_store() {
    assert_eq!(launch_error(quiet().attach(manager())), "launch fairing(s) failed");
}

#[test]
fn the_launch_fails_without_a_manager_for_a_guard() {
    #[get("/current")]
    fn current(_user: CurrentUser<User>) {}
    #[get("/required")]
    fn required(_user: RequiredUser<User>) {}
    #[get("/fresh")]
    fn fresh(_user: FreshUser<User>) {}
    #[get("/login")]
    fn login(_login: Login<'_, User>) {}

    for route in [routes![current], routes![required], routes![fresh], routes![login]] {
        let rocket = quiet().manage(Users::default()).mount("/", route);
        assert_eq!(launch_error(rocket), "sentinel(s) aborted");
    }
}

#[test]
fn the_launch_fails_with_two_managers_for_the_same_user_type() {
    let second = LoginManager::<User>::new().under("/second", "second");
    assert_eq!(launch_error(rocket(manager()).attach(second)), "launch fairing(s) failed");
}

#[test]
fn the_configuration_can_enable_secure_cookies_for_a_manager_with_its_own_settings() {
    let figment = with_toml("[default.login]\nsecure_cookies = true\nfresh_for = 5");
    let manager = manager().settings(Settings::default());
    let rocket = rocket::custom(figment).manage(Users::default()).attach(manager);
    let client = Client::untracked(rocket).unwrap();
    let options = rocket_login::LoginOptions::new();
    let cookie = testing::session_cookie::<User>(client.rocket(), "1", options).unwrap();
    assert_eq!((cookie.name(), cookie.secure()), ("__Host-login", Some(true)));
}

#[test]
fn the_launch_fails_with_an_invalid_view_path_or_cookie_name() {
    for manager in [
        manager().login_view("/log in"),
        manager().login_view("log-in"),
        manager().login_view(""),
        manager().login_view("/log-in#form"),
        manager().refresh_view("/log in"),
        manager().login_view_under("/a", "/log in"),
        manager().login_view_under("a", "/log-in"),
        manager().exempt("static"),
        manager().under("members", "member"),
        manager().cookie_name(""),
    ] {
        assert_eq!(launch_error(rocket(manager)), "launch fairing(s) failed");
    }
    for view in ["/log-in?lang=en", "https://sso.example/log-in"] {
        assert!(Client::untracked(rocket(manager().login_view(view))).is_ok(), "{view}");
    }
}
