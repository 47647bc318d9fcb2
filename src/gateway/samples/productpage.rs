//! The bookinfo product page: a page to look at, its login and its API.

use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::{Asked, json, response};

const PAGE: &str = include_str!("../../../templates/productpage.html");
const DESCRIPTION: &str = "A comedy of two pairs of twins who were parted in a storm, and of one long day in Ephesus on which everybody is taken for somebody else.";

/// `/productpage`, `/login`, `/logout`, `/api/v1/products...` and `/health`.
pub(super) fn respond(asked: &Asked<'_>) -> Response<Bytes> {
    let path = asked.path().trim_end_matches('/');
    match path {
        "" | "/index.html" => redirect(None),
        "/productpage" => response(StatusCode::OK, "text/html; charset=utf-8", page(user(asked).as_deref())),
        "/login" => redirect(Some(format!(
            "user={}; Path=/; HttpOnly; SameSite=Lax",
            login_name(asked)
        ))),
        "/logout" => redirect(Some("user=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax".to_owned())),
        "/health" => response(StatusCode::OK, "text/plain", "Product page is healthy"),
        path => match path.strip_prefix("/api/v1/products") {
            Some(rest) => api(rest),
            None => response(StatusCode::NOT_FOUND, "text/plain", "Not Found\n"),
        },
    }
}

fn redirect(cookie: Option<String>) -> Response<Bytes> {
    let mut answer = response(StatusCode::FOUND, "text/html; charset=utf-8", "");
    let headers = answer.headers_mut();
    headers.insert(LOCATION, HeaderValue::from_static("/productpage"));
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        headers.insert(SET_COOKIE, cookie);
    }
    answer
}

/// Letters, digits and a few signs only: it goes into a cookie and a page.
fn plain(text: &str) -> String {
    let allowed = |character: &char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    text.chars().filter(allowed).take(40).collect()
}

fn login_name(asked: &Asked<'_>) -> String {
    let body = String::from_utf8_lossy(asked.body);
    let name = body.split('&').find_map(|pair| pair.strip_prefix("username="));
    plain(name.unwrap_or("guest"))
}

fn user(asked: &Asked<'_>) -> Option<String> {
    let cookies = asked.header("cookie")?;
    let user = cookies
        .split([';', ','])
        .find_map(|cookie| cookie.trim().strip_prefix("user="))?;
    let user = plain(user);
    (!user.is_empty()).then_some(user)
}

fn page(user: Option<&str>) -> String {
    let account = match user {
        Some(user) => format!("<span>{user}</span><a class=\"button\" href=\"/logout\">Sign out</a>"),
        None => "<form action=\"/login\" method=\"post\"><input name=\"username\" aria-label=\"User name\" placeholder=\"User name\" required><button class=\"button\">Sign in</button></form>".to_owned(),
    };
    PAGE.replace("{{account}}", &account)
        .replace("{{description}}", DESCRIPTION)
}

fn api(rest: &str) -> Response<Bytes> {
    let product = json!({
        "id": 0,
        "title": "The Comedy of Errors",
        "descriptionHtml": DESCRIPTION,
    });
    let value: Value = match rest {
        "" => json!([product]),
        "/0" => json!({
            "id": 0,
            "author": "William Shakespeare",
            "year": 1595,
            "type": "paperback",
            "pages": 200,
            "publisher": "PublisherA",
            "language": "English",
            "ISBN-10": "1234567890",
            "ISBN-13": "123-1234567890",
        }),
        "/0/reviews" => json!({
            "id": "0",
            "reviews": [
                {"reviewer": "Reviewer1", "text": "Read it aloud, with friends, and lose count of the doors.", "rating": {"stars": 5, "color": "black"}},
                {"reviewer": "Reviewer2", "text": "Short, quick and kinder than it looks.", "rating": {"stars": 4, "color": "black"}},
            ],
        }),
        "/0/ratings" => json!({"id": 0, "ratings": {"Reviewer1": 5, "Reviewer2": 4}}),
        _ => {
            return response(
                StatusCode::NOT_FOUND,
                "application/json",
                "{\"error\": \"no such product\"}\n",
            );
        }
    };
    json(&value)
}

#[cfg(test)]
mod tests {
    use crate::gateway::config::table::Sample;
    use crate::gateway::samples::ask;

    #[test]
    fn the_page_stands_by_itself() {
        let answered = ask(Sample::Productpage, "GET", "/productpage", &[], "");
        let text = String::from_utf8_lossy(answered.response.body()).into_owned();
        assert!(text.contains("The Comedy of Errors"), "{text}");
        assert!(!text.contains("{{"), "a placeholder is left");
        for outside in ["src=\"http", "href=\"http", "url(http", "@import"] {
            assert!(!text.contains(outside), "{outside}");
        }
    }

    #[test]
    fn signing_in_is_remembered_and_cannot_inject() {
        let login = ask(
            Sample::Productpage,
            "POST",
            "/login",
            &[],
            "username=a%3Cb<script>&passwd=x",
        )
        .response;
        assert_eq!(login.status(), 302);
        assert_eq!(login.headers()["location"], "/productpage");
        assert_eq!(
            login.headers()["set-cookie"],
            "user=a3Cbscript; Path=/; HttpOnly; SameSite=Lax"
        );
        let page = ask(
            Sample::Productpage,
            "GET",
            "/productpage",
            &[("cookie", "a=b; user=<i>jason")],
            "",
        )
        .response;
        assert!(String::from_utf8_lossy(page.body()).contains("<span>ijason</span>"));
        assert_eq!(
            ask(Sample::Productpage, "GET", "/logout", &[], "").response.status(),
            302
        );
    }

    #[test]
    fn the_api_lists_products() {
        for (path, status) in [
            ("/api/v1/products", 200),
            ("/api/v1/products/0", 200),
            ("/api/v1/products/0/reviews", 200),
            ("/api/v1/products/0/ratings", 200),
            ("/api/v1/products/9", 404),
            ("/api/v2", 404),
        ] {
            assert_eq!(
                ask(Sample::Productpage, "GET", path, &[], "").response.status(),
                status,
                "{path}"
            );
        }
    }
}
