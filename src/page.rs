//! Pages: a template, the current user and the messages that wait for them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rocket::fairing::Fairing;
use rocket::figment::value::{Dict, Value};
use rocket::http::Status;
use rocket::response::{self, Responder};
use rocket::{Ignite, Request, Rocket, Sentinel};
use rocket_dyn_templates::Template;
use rocket_login::{current_user, expects_json};
use serde::Serialize;

use crate::users::User;

/// A page made from `templates/NAME.html.tera`.
///
/// Every template also sees `current_user` and `flashes`, so no handler passes them along.
#[derive(Debug, Serialize)]
pub struct Page {
    #[serde(skip)]
    template: &'static str,
    #[serde(skip)]
    status: Status,
    flashes: Vec<Flash>,
    /// What is wrong with a field, by its name.
    complaints: BTreeMap<&'static str, &'static str>,
    #[serde(flatten)]
    context: Dict,
}

#[derive(Debug, Serialize)]
struct Flash {
    category: &'static str,
    message: String,
}

/// What a template sees.
#[derive(Serialize)]
struct View<'a> {
    /// The name of this site.
    site: &'static str,
    current_user: Option<&'a User>,
    #[serde(flatten)]
    page: &'a Page,
}

/// Adds to what every template sees of a request, as Flask's `context_processor` does. An app that needs
/// one manages it.
pub struct ContextProcessor(pub fn(Page, &Request<'_>) -> Page);

/// The package's name in words, so that a copy of this app is renamed in `Cargo.toml` alone.
static SITE: LazyLock<String> = LazyLock::new(|| {
    let words = env!("CARGO_PKG_NAME").split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
});

/// What a flash can be; the style sheet knows these.
const CATEGORIES: [&str; 4] = ["success", "info", "warning", "danger"];

impl Page {
    /// The page of this template, with nothing of its own in it.
    pub fn new(template: &'static str) -> Page {
        Page {
            template,
            status: Status::Ok,
            flashes: Vec::new(),
            complaints: BTreeMap::new(),
            context: Dict::new(),
        }
    }

    /// With `value` in the template under that name.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Page {
        match Value::serialize(value) {
            Ok(value) => drop(self.context.insert(name.to_owned(), value)),
            Err(cause) => rocket::error!("{name} is no value for {}: {cause}", self.template),
        }
        self
    }

    /// With what is wrong with that field, if anything is.
    pub fn complaint(mut self, field: &'static str, text: Option<&'static str>) -> Page {
        self.complaints.extend(text.map(|text| (field, text)));
        self
    }

    /// With a message on this page itself. Redirects carry theirs in Rocket's `Flash`.
    pub fn flash(mut self, category: &str, message: impl Into<String>) -> Page {
        self.flashes.push(Flash::new(category, message.into()));
        self
    }

    /// Under another status than 200.
    pub fn status(mut self, status: Status) -> Page {
        self.status = status;
        self
    }
}

impl<'r> Responder<'r, 'static> for Page {
    fn respond_to(mut self, request: &'r Request<'_>) -> response::Result<'static> {
        let is_apology = self.status.class().is_server_error();
        let user = match current_user::<User>(request) {
            Ok(user) => user,
            // Any other page would call a user a stranger.
            Err(_) if !is_apology => return Err(Status::ServiceUnavailable),
            Err(_) => None,
        };
        // What waits to be said is not lost on a page that nobody wanted to see.
        if !is_apology {
            self.flashes.extend(Flash::take(request));
        }
        if let Some(ContextProcessor(add)) = request.rocket().state() {
            self = add(self, request);
        }
        let view = View { site: &SITE, current_user: user.as_deref(), page: &self };
        let page = Template::render(self.template, view);
        (self.status, page).respond_to(request)
    }
}

impl Sentinel for Page {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        Template::abort(rocket)
    }
}

impl Flash {
    fn new(category: &str, message: String) -> Flash {
        let known = CATEGORIES.into_iter().find(|known| *known == category);
        Flash { category: known.unwrap_or("info"), message }
    }

    /// The message that a redirect left for this page, which is seen once.
    ///
    /// Rocket's own guard panics where the cookie's length ends inside a character, and anyone can
    /// write that cookie.
    fn take(request: &Request<'_>) -> Option<Flash> {
        // Not for an image that is missing: nobody reads that page. Turbo and htmx fetch pages.
        let is_read = match request.headers().get_one("Sec-Fetch-Dest") {
            None | Some("document") => true,
            Some("empty") => !expects_json(request),
            Some(_) => false,
        };
        let cookie = request.cookies().get("_flash").filter(|_| is_read)?;
        request.cookies().remove("_flash");
        let (length, text) = cookie.value().split_once(':')?;
        let (category, message) = text.split_at_checked(length.parse().ok()?)?;
        Some(Flash::new(category, message.to_owned()))
    }
}

/// Loads the templates.
pub fn fairing() -> impl Fairing {
    Template::custom(|engines| {
        // Tera escapes slashes too, which no browser needs and which spoils every path on a page. Most
        // of what a page shows needs no escape at all.
        engines.tera.set_escape_fn(|text| match text.contains(['&', '<', '>', '"', '\'']) {
            true => tera::escape_html(text).replace("&#x2F;", "/"),
            false => text.to_owned(),
        });
    })
}
