//! The client of a request, and the device cookie.

use std::convert::Infallible;

use rocket::Request;
use rocket::fairing::{AdHoc, Fairing};
use rocket::http::{Cookie, CookieJar};
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json;
use rocket::time::{Duration, OffsetDateTime};
use rocket_login::PreviousSecretKeys;

use crate::accounts::{Client, Device, User};

/// How long a browser keeps the device cookie after a login. Browsers allow at most 400 days.
const MAX_AGE: Duration = Duration::days(365);

/// The device cookie, which names the last users who logged in with this browser. It is encrypted, and does
/// not log anyone in.
pub struct DeviceCookie<'r> {
    jar: &'r CookieJar<'r>,
    name: &'static str,
    previous_keys: Option<&'r PreviousSecretKeys>,
}

/// Returns a fairing that encrypts device cookies again if they were encrypted with a previous key. Skips static files,
/// because caches store their responses, and requests of scripts, because a late response could replace the cookie of a
/// newer login.
pub fn fairing() -> impl Fairing {
    AdHoc::on_request("Device cookie", |request, _| {
        Box::pin(async move {
            let destination = request.headers().get_one("Sec-Fetch-Dest");
            let is_page = destination.is_none_or(|destination| destination == "document");
            if is_page && !request.uri().path().starts_with("/static/") {
                DeviceCookie::of(request).reseal();
            }
        })
    })
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
        DeviceCookie { jar: request.cookies(), name, previous_keys: request.rocket().state() }
    }

    /// Returns the device, or `None` if the cookie is missing or invalid.
    fn device(&self) -> Option<Device> {
        json::from_str(self.cookie()?.value()).ok()
    }

    fn cookie(&self) -> Option<Cookie<'static>> {
        let current = self.jar.get_private(self.name);
        current.or_else(|| self.previous_keys?.get_private(self.jar, self.name))
    }

    /// Encrypts the cookie with the current key, if a previous key was needed to open it.
    fn reseal(&self) {
        let previous = self.previous_keys.and_then(|keys| keys.get_private(self.jar, self.name));
        if let Some(cookie) = previous.filter(|_| self.jar.get_private(self.name).is_none()) {
            self.set(cookie.value().to_owned());
        }
    }

    fn set(&self, value: String) {
        // Rocket makes private cookies `HttpOnly` and `SameSite=Strict`, with the path `/`.
        let cookie = Cookie::build((self.name, value)).max_age(MAX_AGE);
        self.jar.add_private(cookie.expires(OffsetDateTime::now_utc() + MAX_AGE));
    }

    /// Records that `user` has logged in. If that fails, the browser is not recognized.
    pub fn record_login(&self, user: &User) {
        match self.device().unwrap_or_default().with_login(user) {
            Ok(device) => self.set(json::to_string(&device).unwrap_or_default()),
            Err(cause) => rocket::error!("The device cookie was not set: {cause}"),
        }
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
