//! What the server is to get wrong, and when.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

/// What somebody does meanwhile.
pub type Act = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// One fault.
#[derive(Clone)]
pub enum Fault {
    /// The request waits for so many milliseconds.
    Delay(u64),
    /// Nothing happens, and this is the answer.
    Before(Answer),
    /// It happens, and this is the answer all the same.
    After(Answer),
    /// Nothing happens, and the connection breaks.
    Drop,
    /// It happens, and the connection breaks.
    DropAfter,
    /// It answers what it answered to the same request the time before.
    Stale,
    /// Somebody does this just before the request is looked at.
    Meanwhile(Act),
}

impl Fault {
    /// Somebody does this just before the request is looked at.
    pub fn meanwhile<F>(act: impl Fn() -> F + Send + Sync + 'static) -> Fault
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Fault::Meanwhile(Arc::new(move || Box::pin(act())))
    }

    /// Nothing happens, and this is the answer.
    pub fn fails(status: u16, body: &str) -> Fault {
        Fault::Before(Answer::new(status, body))
    }

    /// It happens, and this is the answer all the same.
    pub fn fails_after(status: u16, body: &str) -> Fault {
        Fault::After(Answer::new(status, body))
    }
}

/// An answer that the script gives.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, body: &str) -> Answer {
        let headers = vec![("content-type".into(), "application/json; charset=utf-8".into())];
        Answer { status, headers, body: body.as_bytes().to_vec() }
    }

    /// With this header more; the same name before is replaced.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.retain(|(old, _)| old != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn response(&self) -> Response {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        for (name, value) in &self.headers {
            response
                .headers_mut()
                .insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        response
    }
}

struct Planned {
    method: String,
    route: String,
    skip: u64,
    times: u64,
    fault: Fault,
}

/// The plan of faults. A route is named by its end: `("PUT", "/merge")` befalls `PUT .../pulls/{number}/merge`.
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<Vec<Planned>>>);

impl Script {
    /// The next request of this route.
    pub fn next(&self, method: &str, route: &str, fault: Fault) {
        self.add(method, route, 0, 1, fault);
    }

    /// `times` requests of this route, after `skip` that go well.
    pub fn add(&self, method: &str, route: &str, skip: u64, times: u64, fault: Fault) {
        let (method, route) = (method.to_owned(), route.to_owned());
        self.0.lock().unwrap().push(Planned { method, route, skip, times, fault });
    }

    /// Drops what has not happened.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// How many faults have not happened.
    pub fn pending(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(super) fn strike(&self, method: &str, route: &str) -> Vec<Fault> {
        let mut planned = self.0.lock().unwrap();
        let mut due = Vec::new();
        for plan in planned.iter_mut().filter(|plan| plan.method == method && route.ends_with(&plan.route)) {
            if plan.skip > 0 {
                plan.skip -= 1;
            } else {
                plan.times -= 1;
                due.push(plan.fault.clone());
            }
        }
        planned.retain(|plan| plan.times > 0);
        due
    }
}
