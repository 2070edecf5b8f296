//! The routes that anonymous users can open. Every route without a guard is in the list.

use crate::support::*;
use app::EventLog;
use rocket_login::{Clock, testing};

#[test]
fn only_the_listed_routes_are_open_to_anonymous_users() {
    let dir = tempfile::tempdir().unwrap();
    let log = EventLog::new(Clock::default(), |_| {});
    let app = app::build(figment(&dir), Clock::default(), log).unwrap();
    assert_eq!(
        testing::unprotected_routes(app).unwrap(),
        [
            "GET /",
            "GET /.well-known/change-password",
            "GET /cross-site",
            "GET /healthz",
            "GET /healthz/live",
            "GET /login?<next>",
            "GET /logout",
            "GET /register",
            "GET /static/<path..>",
            "POST /login?<next>",
            "POST /logout",
            "POST /register",
        ]
    );
}
