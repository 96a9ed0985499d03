//! Where a story takes place: a house with a sale, its server, and those who come with a browser.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::driver::{Driver, Screen};
use crate::house::House;
use crate::server::Server;
use crate::visitor::Visitor;

/// How many browsers there are at a time, in whichever tests.
const BROWSERS_MAX: usize = 4;
static BROWSERS: Semaphore = Semaphore::const_new(BROWSERS_MAX);

/// What is different from one story to the next.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    /// Whether two come, and not one.
    pub(crate) for_two: bool,
    /// More arguments to `tix seed`.
    pub(crate) seed: &'a [&'a str],
    /// What every seat costs, if not what the venue says.
    pub(crate) price: Option<&'a str>,
    /// More arguments to `tix serve`.
    pub(crate) serve: &'a [&'a str],
}

/// Dropped in this order: the browsers keep something in the house as long as they live.
pub(crate) struct Scene {
    driver: Driver,
    pub(crate) server: Server,
    pub(crate) house: House,
    came: AtomicUsize,
    _room: SemaphorePermit<'static>,
}

impl Scene {
    /// Puts tickets on sale and serves the page.
    pub(crate) async fn set(plan: Plan<'_>) -> Self {
        let browsers = if plan.for_two { 2 } else { 1 };
        let room = BROWSERS.acquire_many(browsers).await.unwrap();
        let house = House::on_sale(plan.price, plan.seed);
        let server = Server::start(&house, plan.serve);
        Self { driver: Driver::start(), server, house, came: AtomicUsize::new(0), _room: room }
    }

    /// Somebody with a browser of his own, who has not gone anywhere yet.
    pub(crate) async fn somebody(&self, screen: Screen) -> Visitor {
        let number = self.came.fetch_add(1, Ordering::Relaxed);
        let folder = self.house.path(&format!("browser-{number}"));
        Visitor::new(self.driver.open(&folder, screen).await)
    }

    /// Somebody at a desk who looks at the show.
    pub(crate) async fn visitor(&self) -> Visitor {
        let visitor = self.somebody(Screen::Desk).await;
        visitor.opens(&self.server.url("/events/hall")).await;
        visitor.sees_the_seats().await;
        visitor
    }

    /// Two of them.
    pub(crate) async fn two_visitors(&self) -> (Visitor, Visitor) {
        tokio::join!(self.visitor(), self.visitor())
    }

    /// However a story went: nothing was sold twice, and no browser had anything to complain of.
    pub(crate) async fn ends_well(&self, visitors: impl IntoIterator<Item = Visitor>) {
        for visitor in visitors {
            visitor.leaves().await;
        }
        let audit = self.house.tix(&["audit"]);
        assert!(audit.contains("nothing was sold twice"), "{audit}");
    }
}
