//! The client of a request, and the device cookie.

use std::convert::Infallible;

use rocket::Request;
use rocket::http::{Cookie, CookieJar};
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json;
use rocket::time::{Duration, OffsetDateTime};

use crate::accounts::{Client, Device, User};

/// How long a browser keeps the device cookie after a login. Browsers allow at most 400 days.
const MAX_AGE: Duration = Duration::days(365);

/// The device cookie, which names the last users who logged in with this browser. It is encrypted, and does
/// not log anyone in.
pub struct DeviceCookie<'r> {
    jar: &'r CookieJar<'r>,
    name: &'static str,
}

/// The name of the device cookie.
pub struct DeviceCookieName(&'static str);

impl DeviceCookieName {
    /// Chooses the name. With `https`, its prefix makes browsers accept it only from this host.
    pub fn new(https: bool) -> DeviceCookieName {
        DeviceCookieName(if https { "__Host-device" } else { "device" })
    }
}

impl<'r> DeviceCookie<'r> {
    pub fn of(request: &'r Request<'_>) -> DeviceCookie<'r> {
        let name = request.rocket().state().map_or("device", |DeviceCookieName(name)| *name);
        DeviceCookie { jar: request.cookies(), name }
    }

    /// Returns the device, or `None` if the cookie is missing or invalid.
    fn device(&self) -> Option<Device> {
        json::from_str(self.jar.get_private(self.name)?.value()).ok()
    }

    /// Records that `user` has logged in. If that fails, the browser is not recognized.
    pub fn record_login(&self, user: &User) {
        let value = match self.device().unwrap_or_default().with_login(user) {
            Ok(device) => json::to_string(&device).unwrap_or_default(),
            Err(cause) => return rocket::error!("The device cookie was not set: {cause}"),
        };
        // Rocket makes private cookies `HttpOnly` and `SameSite=Strict`, with the path `/`.
        let cookie = Cookie::build((self.name, value)).max_age(MAX_AGE);
        self.jar.add_private(cookie.expires(OffsetDateTime::now_utc() + MAX_AGE));
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for DeviceCookie<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(DeviceCookie::of(request))
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Client {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let device = DeviceCookie::of(request).device();
        Outcome::Success(Client::new(request.client_ip(), device))
    }
}
