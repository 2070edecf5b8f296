//! Several user types in the same app.

use std::convert::Infallible;

use crate::support::*;
use rocket::local::blocking::Client;
use rocket::{Build, Rocket, get, post, routes};
use rocket_login::{
    AuthError, CurrentUser, FreshUser, Login, LoginManager, LoginStore, LoginUser, Remember,
    RequiredUser,
};

struct Staff;

impl LoginUser for Staff {
    type Store = StaffList;

    fn id(&self) -> String {
        "1".to_owned()
    }
}

struct StaffList;

impl LoginStore for StaffList {
    type User = Staff;
    type Error = Infallible;

    async fn load(&self, id: &str, _: i64) -> Result<Option<Staff>, Infallible> {
        Ok((id == "1").then_some(Staff))
    }
}

#[post("/staff/log-in")]
async fn log_in(login: Login<'_, Staff>) {
    assert!(login.log_in(Staff, Remember::No).await.unwrap());
}

#[get("/staff/reports")]
fn reports(_staff: RequiredUser<Staff>) -> &'static str {
    "reports"
}

#[get("/staffing")]
fn staffing(staff: CurrentUser<Staff>) -> String {
    staff.is_authenticated().to_string()
}

#[get("/staff/audit")]
fn audit(_user: Option<FreshUser<User>>, _staff: RequiredUser<Staff>) -> &'static str {
    "audit"
}

#[get("/staff/help")]
fn help(_staff: Option<RequiredUser<Staff>>, _user: FreshUser<User>) -> &'static str {
    "help"
}

#[get("/staff/transfer")]
fn transfer(user: Result<FreshUser<User>, AuthError>) -> Result<&'static str, AuthError> {
    user?;
    Ok("transfer")
}

fn both(users: LoginManager<User>) -> Rocket<Build> {
    let staff = LoginManager::<Staff>::new().login_view("/staff/log-in").under("/staff", "staff");
    rocket(users)
        .manage(StaffList)
        .attach(staff)
        .mount("/", routes![log_in, reports, staffing, audit, help, transfer])
}

#[test]
fn each_user_type_has_its_own_manager_cookie_and_login_view() {
    let client = Client::tracked(both(manager())).unwrap();
    log_in_as(&client, "ada");
    let reports = client.get("/staff/reports").dispatch();
    assert_redirects(&reports, "/staff/log-in?next=/staff/reports");
    drop(reports);
    post_text(&client, "/staff/log-in");
    assert_eq!(get_text(&client, "/staff/reports"), "reports");
    assert_eq!(get_text(&client, "/members"), "ada");
    assert_eq!(get_text(&client, "/staffing"), "false", "/staffing is not under /staff");
    post_text(&client, "/log-out");
    assert_redirects(&client.get("/members").dispatch(), "/log-in?lang=en&next=/members");
    assert_eq!(get_text(&client, "/staff/reports"), "reports");
}

#[test]
fn the_launch_fails_if_two_user_types_share_a_cookie_name() {
    let staff = LoginManager::<Staff>::new().under("/staff", "login");
    let rocket = rocket(manager()).manage(StaffList).attach(staff);
    let error = Client::untracked(rocket).err().map(|error| error.to_string());
    assert_eq!(error.unwrap(), "launch fairing(s) failed");
}

#[test]
fn the_last_failed_guard_decides_the_response() {
    let (clock, time) = test_clock();
    let client = Client::tracked(both(manager().clock(time))).unwrap();
    log_in_as(&client, "ada");
    advance(&clock, 15 * 60 + 1);
    let audit = client.get("/staff/audit").dispatch();
    assert_redirects(&audit, "/staff/log-in?next=/staff/audit");
    drop(audit);
    assert_redirects(&client.get("/staff/help").dispatch(), "/confirm?next=/staff/help");
    let transfer = client.get("/staff/transfer").dispatch();
    assert_redirects(&transfer, "/confirm?next=/staff/transfer");
}
