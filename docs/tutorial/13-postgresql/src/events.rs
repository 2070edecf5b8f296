use rocket::{Request, info};
use rocket_login::Event;

use crate::users::User;

pub fn log(event: &Event<'_, User>, request: &Request<'_>) {
    let (name, user) = match event {
        Event::LoggedIn(user) => ("logged_in", Some(user)),
        Event::LoggedOut(user) => ("logged_out", user.as_ref()),
        Event::Confirmed(user) => ("reauthenticated", Some(user)),
        _ => return,
    };
    let (user, address) = (user.map(|user| user.id), request.client_ip());
    info!("event={name} user={user:?} address={address:?}");
}
