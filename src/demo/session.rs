//! The decrypted session cookie, and its row in the database.

use diesel::prelude::*;
use rocket::fairing::{AdHoc, Fairing};
use rocket::http::Cookie;
use rocket::serde::json;
use rocket::{Orbit, Request, Rocket};
use rocket_login::{Login, Remember, current_user, expects_json, testing};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::accounts::{Accounts, User};
use crate::schema::sessions;

/// The session cookie that the browser sent.
#[derive(Serialize)]
pub struct SentCookie {
    name: String,
    /// `None` if the server can't decrypt or read the cookie.
    content: Option<Content>,
    /// `None` if the user is anonymous.
    same_user_agent: Option<bool>,
    /// The attributes with which the cookie was set.
    attributes: String,
    /// The hash of the token in the cookie, shortened.
    token_hash: Option<String>,
    row: Option<Row>,
    /// Whether the row is unknown, because the database was unavailable.
    is_row_unknown: bool,
}

/// The content of the session cookie.
#[derive(Deserialize, Serialize)]
struct Content {
    #[serde(rename(deserialize = "id"), skip_serializing)]
    token: String,
    #[serde(rename(deserialize = "expires"))]
    expires_at: i64,
    #[serde(rename(deserialize = "confirmed"))]
    authenticated_at: Option<i64>,
    remembered: bool,
}

/// A row of the table `sessions`, without its token hash.
#[derive(Serialize, Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: i64,
    user_id: i64,
    user_agent: String,
    remembered: bool,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    absolute_expires_at: i64,
    #[serde(serialize_with = "shorten")]
    previous_token_hash: Option<Vec<u8>>,
}

impl SentCookie {
    /// Returns the session cookie of a request, or `None` if the browser sent none.
    pub fn of<'r>(request: &'r Request<'_>) -> Option<&'r SentCookie> {
        request.local_cache(|| None::<SentCookie>).as_ref()
    }

    /// Returns whether the cookie is valid, but its session has been revoked.
    pub fn is_revoked(&self) -> bool {
        self.content.is_some() && self.row.is_none()
    }
}

/// Returns an empty cookie with the name and the attributes of the session cookie.
pub fn cookie(rocket: &Rocket<Orbit>) -> Option<Cookie<'static>> {
    testing::session_cookie::<User>(rocket, "", Remember::No)
}

/// Returns a cookie of the demo, without a value. Over HTTPS, its name begins with `__Host-` too.
pub fn demo_cookie(rocket: &Rocket<Orbit>, name: &str) -> Option<Cookie<'static>> {
    let mut cookie = cookie(rocket)?;
    let is_prefixed = cookie.name().starts_with("__Host-");
    cookie.set_name(if is_prefixed { format!("__Host-{name}") } else { name.to_owned() });
    Some(cookie)
}

/// Decrypts the session cookie of each request and finds its row. These queries are not traced.
pub fn fairing() -> impl Fairing {
    AdHoc::on_request("Session cookie", |request, _| {
        Box::pin(async move {
            if !expects_json(request) && !request.uri().path().starts_with("/static/") {
                let cookie = decrypt(request).await;
                request.local_cache(|| cookie);
            }
        })
    })
}

async fn decrypt(request: &Request<'_>) -> Option<SentCookie> {
    let cookie = cookie(request.rocket())?;
    request.cookies().get(cookie.name())?;
    let content = request.cookies().get_private(cookie.name());
    let content: Option<Content> = content.and_then(|cookie| json::from_str(cookie.value()).ok());
    let token_hash = content.as_ref().map(|content| Sha256::digest(&content.token).to_vec());
    // Does not wait for a database that has just kept the login manager waiting.
    let is_database_up = current_user::<User>(request).is_ok();
    let row = match token_hash.clone() {
        Some(hash) if is_database_up => find_row(request, hash).await,
        Some(_) => None,
        None => Some(None),
    };
    let (row, is_row_unknown) = row.map_or((None, true), |row| (row, false));
    let login = Login::<User>::of(request);
    Some(SentCookie {
        name: cookie.name().to_owned(),
        content,
        same_user_agent: login.and_then(|login| login.is_same_user_agent()),
        attributes: attributes(&cookie),
        token_hash: token_hash.map(|hash| to_short_hex(&hash)),
        row,
        is_row_unknown,
    })
}

/// Returns the row with this token hash, or `None` if the database is unavailable.
async fn find_row(request: &Request<'_>, token_hash: Vec<u8>) -> Option<Option<Row>> {
    let accounts: &Accounts = request.rocket().state()?;
    let find = accounts.db.read(move |connection| {
        let row = sessions::table.filter(sessions::token_hash.eq(&token_hash));
        row.select(Row::as_select()).first(connection).optional()
    });
    find.await.ok()
}

/// Returns the attributes of a cookie as a browser receives them.
fn attributes(cookie: &Cookie<'_>) -> String {
    let text = cookie.to_string();
    text.split_once("; ").map_or_else(String::new, |(_, attributes)| attributes.to_owned())
}

/// Returns the first 4 bytes of a hash.
fn to_short_hex(hash: &[u8]) -> String {
    let bytes = hash.iter().take(4).map(|byte| format!("{byte:02x}"));
    bytes.collect::<String>() + "…"
}

fn shorten<S: Serializer>(hash: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    hash.as_ref().map(|hash| to_short_hex(hash)).serialize(serializer)
}
