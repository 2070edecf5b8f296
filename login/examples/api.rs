// An API whose clients send a key with each request, for example:
// `curl -H 'Authorization: Bearer ada-s-key' http://127.0.0.1:8000/me`
//
// The API uses neither logins nor cookies. `load_from_request` finds the user, and the guards are
// the same as with logins. An unauthorized request gets a 401 in JSON.

use std::collections::HashMap;
use std::convert::Infallible;

use rocket::serde::json::{Value, json};
use rocket::{Request, get, launch, routes};
use rocket_login::{LoginManager, LoginStore, LoginUser};

type RequiredUser = rocket_login::RequiredUser<User>;

#[derive(Clone)]
struct User {
    name: String,
}

impl LoginUser for User {
    type Store = ApiKeys;

    fn id(&self) -> String {
        self.name.clone()
    }
}

/// Maps each API key to its user. A real app stores hashes of the keys.
struct ApiKeys(HashMap<String, User>);

impl LoginStore for ApiKeys {
    type User = User;
    type Error = Infallible;

    /// Returns no user, because this API has no sessions.
    async fn load(&self, _: &str, _: i64) -> Result<Option<User>, Infallible> {
        Ok(None)
    }

    async fn load_from_request(&self, request: &Request<'_>) -> Result<Option<User>, Infallible> {
        let authorization = request.headers().get_one("Authorization");
        let key = authorization.and_then(|value| value.strip_prefix("Bearer "));
        Ok(key.and_then(|key| self.0.get(key)).cloned())
    }
}

#[get("/me")]
fn me(user: RequiredUser) -> Value {
    json!({ "name": user.name })
}

#[launch]
fn rocket() -> _ {
    let ada = User { name: "ada".to_owned() };
    let keys = ApiKeys(HashMap::from([("ada-s-key".to_owned(), ada)]));
    let manager = LoginManager::<User>::new().unauthorized_handler(|_| {
        (rocket::http::Status::Unauthorized, json!({ "error": "Unauthorized" }))
    });
    rocket::build().manage(keys).attach(manager).mount("/", routes![me])
}
