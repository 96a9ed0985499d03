//! `tix order`.

use crate::sandbox::{Sandbox, steady};

#[test]
fn orders_are_listed_in_the_order_they_were_decided() {
    let sandbox = Sandbox::seeded();
    let nothing = sandbox.tix(&["order", "list"]).done();
    assert!(nothing.stderr.contains("no orders yet"), "{}", nothing.stderr);
    sandbox.buy("ann", &["Stalls/1/1"]);
    let hold = sandbox.hold("bob", &["Stalls/1/2", "Stalls/1/3"]);
    let decline = ["hold", "confirm", &hold, "--session", "bob", "--payment", "declined"];
    sandbox.tix(&decline).refused("declined");
    let answer = sandbox.tix(&["order", "list"]).done();
    steady().bind(|| {
        insta::assert_snapshot!(answer.stdout, @r"
    CONFIRMATION    STATUS       AMOUNT  SEATS                   SESSION
    ────────────────────────────────────────────────────────────────────
    [confirmation]  paid      49.50 EUR  Stalls/1/1              ann
    [confirmation]  declined  99.00 EUR  Stalls/1/2, Stalls/1/3  bob
    1 column left out; -o json or a wider window shows it
    ");
    });
    let document = sandbox.json("orders", &["order", "list"]);
    assert_eq!(document["orders"][1]["status"], "declined");
    assert_eq!(document["orders"][1]["amount"]["amount"], "99.00");
}

#[test]
fn an_order_is_named_by_id_or_confirmation_number() {
    let sandbox = Sandbox::seeded();
    let number = sandbox.buy("ann", &["Stalls/1/1"]);
    let by_number = sandbox.json("order", &["order", "show", &number]);
    let spoken = number.to_lowercase().replace('-', " ");
    assert_eq!(sandbox.json("order", &["order", "show", &spoken]), by_number);
    let id = by_number["order"]["order_id"].as_str().unwrap();
    assert_eq!(sandbox.json("order", &["order", "show", id]), by_number);
    assert_eq!(by_number["order"]["check_in"]["seats"][0]["entrance"], "Main door");
}

#[test]
fn an_order_that_is_not_there_is_refused_and_a_slip_is_told() {
    let sandbox = Sandbox::seeded();
    let number = sandbox.buy("ann", &["Stalls/1/1"]);
    let nobody = "cbe28d7e-2088-5ed3-94a8-ab000323d837";
    sandbox.tix(&["order", "show", nobody]).refused("unknown_hold");
    let refused = sandbox.tix(&["order", "cancel", "7K6H-EXD9-CK4J"]).refused("unknown_hold");
    assert!(refused.stderr.ends_with("Hint: see which orders there are with `tix order list`\n"));
    let last = if number.ends_with('2') { '3' } else { '2' };
    let slip = format!("{}{last}", &number[..number.len() - 1]);
    sandbox.tix(&["order", "show", &slip]).ended(2, "one of its symbols is wrong");
    sandbox.tix(&["order", "show", "foo"]).ended(2, "neither the id of an order");
}

#[test]
fn a_cancelled_order_frees_its_tickets_and_is_cancelled_once() {
    let sandbox = Sandbox::seeded();
    let number = sandbox.buy("ann", &["Stalls/1/1"]);
    let cancelled = sandbox.json("order", &["order", "cancel", &number]);
    assert_eq!(cancelled["order"]["status"], "refunded");
    assert!(cancelled["order"]["check_in"].is_null());
    assert_eq!(sandbox.json("order", &["order", "cancel", &number])["order"]["status"], "refunded");
    sandbox.buy("bob", &["Stalls/1/1"]);
}

#[test]
fn an_order_that_took_no_money_cannot_be_cancelled() {
    let sandbox = Sandbox::seeded();
    let hold = sandbox.hold("bob", &["Stalls/1/2"]);
    let decline = ["hold", "confirm", &hold, "--session", "bob", "--payment", "declined"];
    sandbox.tix(&decline).refused("declined");
    let orders = sandbox.json("orders", &["order", "list"]);
    let id = orders["orders"][0]["order_id"].as_str().unwrap();
    let refused = sandbox.tix(&["order", "cancel", id]).refused("declined");
    assert!(
        refused.stderr.contains(&format!("Hint: see what became of it: `tix order show {id}`"))
    );
}

#[test]
fn a_sheet_of_orders_has_amount_and_currency_apart() {
    let sandbox = Sandbox::seeded();
    sandbox.buy("ann", &["Stalls/1/1", "Stalls/1/2"]);
    let answer = sandbox.tix(&["order", "list", "-o", "csv"]).done();
    assert!(answer.stdout.contains(",Stalls/1/1; Stalls/1/2,99.00,EUR,"), "{}", answer.stdout);
}

/// Two sections sold from, and one order of them cancelled.
fn sold() -> Sandbox {
    let sandbox = Sandbox::seeded();
    sandbox.buy("ann", &["Stalls/1/1", "Stalls/1/2"]);
    sandbox.buy("bob", &["Balcony/1/1"]);
    let number = sandbox.buy("eve", &["Stalls/2/1"]);
    sandbox.tix(&["order", "cancel", &number]).done();
    sandbox
}

#[test]
fn sales_are_summed_up_by_section() {
    let sandbox = sold();
    let answer = sandbox.tix(&["order", "sales", "--by", "section"]).done();
    insta::assert_snapshot!(answer.stdout, @r"
    SECTION  SOLD     REVENUE  REFUNDED  GIVEN BACK
    ───────────────────────────────────────────────
    Stalls      2   99.00 EUR         1   49.50 EUR
    Balcony     1   29.00 EUR         ·           ·
    total       3  128.00 EUR         1   49.50 EUR
    ");
    let answer = sandbox.tix(&["order", "sales", "--by", "section", "-o", "csv"]).done();
    insta::assert_snapshot!(answer.stdout, @r"
    hour,section,sold,revenue,refunded,given_back,currency
    ,Stalls,2,99.00,1,49.50,EUR
    ,Balcony,1,29.00,0,0.00,EUR
    ");
}

#[test]
fn sales_add_up_to_the_revenue() {
    let sandbox = sold();
    let revenue = sandbox.json("ticket_counts", &["ticket", "counts"])["total"]["revenue"].clone();
    for by in [&[][..], &["--by", "hour"], &["--by", "section"]] {
        let sales = sandbox.json("sales", &[&["order", "sales"], by].concat());
        assert_eq!(sales["total"]["sold"]["amount"], revenue, "{sales:#}");
        let cents = |line: &serde_json::Value| {
            line["sold"]["amount"]["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
        };
        let lines: Vec<u64> = sales["sales"].as_array().unwrap().iter().map(cents).collect();
        assert_eq!(lines.iter().sum::<u64>(), cents(&sales["total"]));
        assert_eq!(sales["total"]["refunded"]["tickets"], 1);
    }
}

#[test]
fn where_nothing_is_sold_sales_say_what_sells() {
    let sandbox = Sandbox::seeded();
    let answer = sandbox.tix(&["order", "sales"]).done();
    assert_eq!(answer.stdout, "");
    assert!(answer.stderr.contains("nothing sold yet"), "{}", answer.stderr);
}
