//! What of a chain of flows comes into a country, whoever tells of it and how.

use serde_json::{Value, json};

use crate::boundaries::{body, flow, judged};
use crate::flows::{named, places};
use crate::make;
use crate::support::TestApp;

/// A flow as `2:I(1) EU>MIN 100 for G`: its number, the first letter of its type (disbursement, expenditure,
/// incoming funds or commitment), what it is a part of, who pays whom how much, and whether for the grant. Numbers are those of one story.
fn told(text: &str, case: usize) -> (&'static str, Value) {
    let words: Vec<&str> = text.split(' ').collect();
    let (id, of_type) = words[0].split_once(':').unwrap();
    let (from, to) = words[1].split_once('>').unwrap();
    let whole = of_type.get(2..3).map(|whole| format!("T-{case}-{whole}"));
    let who = |name: &str| if name == "-" { name.to_owned() } else { format!("T-{name}") };
    let mut told = flow(&format!("T-{case}-{id}"), &who(from), &who(to), words[2].parse().unwrap(), whole.as_deref());
    told.1["type"] = match &of_type[..1] {
        "D" => json!("disbursement"),
        "I" => json!("incoming_funds"),
        "E" => json!("expenditure"),
        _ => json!("outgoing_commitment"),
    };
    told.1["grant"] = words.get(4).map(|grant| format!("T-{grant}")).into();
    told
}

#[actix_web::test]
async fn what_came_in_counts_where_it_came_in() {
    let mut people = places();
    people.extend([
        body("T-EU", Some("T-ABROAD")),
        body("T-UN", Some("T-ABROAD")),
        body("T-MIN", Some("T-COUNTRY")),
        body("T-TOWN", Some("T-A")),
        body("T-SCHOOL", Some("T-A")),
        body("T-SOMEBODY", None),
        named("grants", "T-G", json!({"title": {"en": "G"}, "status": "closed", "places": [{"location": "T-A"}]})),
        named("grants", "T-H", json!({"title": {"en": "H"}, "status": "closed", "places": [{"location": "T-ABROAD"}]})),
    ]);
    let cases: [(&str, &[&str]); 41] = [
        // A receipt that names who paid at the top and no receiver is of whom the middle paid.
        (
            "1:D EU>UN 100; 2:D(1) UN>TOWN 100; 3:I(2) EU>- 100; 4:D(3) ->SCHOOL 60",
            &["T-2", "inside: T-4", "outside: T-1"],
        ),
        (
            "1:D EU>UN 100; 2:D(1) UN>TOWN 100; 3:I(2) EU>- 100; 4:D(3) ->UN 60; 5:D(4) UN>SCHOOL 50",
            &["T-2", "already_inside: T-5", "outside: T-1", "outward: T-4"],
        ),
        // It goes out and comes back.
        (
            "1:D EU>MIN 100; 2:D(1) MIN>TOWN 60; 3:D(1) MIN>UN 40; 4:D(3) UN>SCHOOL 40",
            &["T-1", "already_inside: T-4", "inside: T-2", "outward: T-3"],
        ),
        // The country's own money does.
        ("1:D MIN>UN 40; 2:D(1) UN>SCHOOL 40", &["", "already_inside: T-2", "outward: T-1"]),
        // Parts say the same crossing in more detail.
        (
            "1:D EU>MIN 100; 2:D(1) EU>TOWN 60; 3:D(1) EU>UN 40; 4:D(3) UN>SCHOOL 40",
            &["T-2 T-4", "outside: T-3", "replaced: T-1"],
        ),
        // One part was passed on by who received, another came straight.
        ("1:D EU>MIN 100; 2:D(1) MIN>TOWN 60; 3:D(1) EU>SCHOOL 40", &["T-1", "already_inside: T-3", "inside: T-2"]),
        // What a part's receiver passed on came in with that part.
        ("1:D EU>MIN 100; 2:D(1) EU>TOWN 60; 3:D(2) TOWN>SCHOOL 50", &["T-2", "inside: T-3", "replaced: T-1"]),
        // Who pays is not said: whoever had received.
        ("1:D EU>TOWN 100; 2:D(1) TOWN>SCHOOL 60; 3:D(1) ->SCHOOL 40", &["T-1", "inside: T-2 T-3"]),
        // Who receives without a seat is where the grant works, as long as the money is there.
        (
            "1:D EU>SOMEBODY 100 for G; 2:D(1) SOMEBODY>SCHOOL 60; 3:D(1) SOMEBODY>UN 40",
            &["T-1", "inside: T-2", "outward: T-3"],
        ),
        // Where the payer's grant works says less of the receiver than its own receipt, all of it or not.
        ("1:D EU>SOMEBODY 100 for H; 2:I(1) EU>SOMEBODY 100 for G; 3:D(2) SOMEBODY>SCHOOL 60", &["T-1", "inside: T-3"]),
        ("1:D EU>SOMEBODY 100 for G; 2:I(1) EU>SOMEBODY 100 for H", &["", "outside: T-1"]),
        ("1:D EU>SOMEBODY 100 for G; 2:I(1) EU>SOMEBODY 40 for H", &["", "side_unknown: T-1"]),
        ("1:D EU>SOMEBODY 100 for G; 2:I(1) EU>SOMEBODY 40 for G", &["T-1"]),
        ("1:I EU>SOMEBODY 100 for G; 2:D(1) EU>SOMEBODY 100; 3:D(2) EU>SOMEBODY 100 for H", &["T-3", "replaced: T-2"]),
        // Each hop is told by who receives too, as a part of what was paid.
        ("1:D EU>SOMEBODY 100; 2:I(1) EU>SOMEBODY 100; 3:D(2) SOMEBODY>SCHOOL 100", &["T-3", "replaced: T-1"]),
        // Who received says so too, and what was passed on is a part of that.
        (
            "1:D EU>UN 100; 2:I(1) UN>SOMEBODY 100 for G; 3:D(1) UN>SOMEBODY 100 for G; 4:D(2) SOMEBODY>SCHOOL 60; 5:D(2) ->SCHOOL 10",
            &["T-3", "inside: T-4 T-5", "outside: T-1"],
        ),
        // The receipt is told without the grant: where its receiver is, the payment says.
        ("1:D EU>SOMEBODY 100 for G; 2:I(1) EU>SOMEBODY 100; 3:D(2) SOMEBODY>SCHOOL 60", &["T-1", "inside: T-3"]),
        // It is told the other way round.
        ("1:I EU>SOMEBODY 100 for G; 2:D(1) EU>SOMEBODY 100; 3:D(2) SOMEBODY>SCHOOL 60", &["T-2", "inside: T-3"]),
        // Who received says where, in parts of all that was paid: through a receipt that does not.
        (
            "1:D EU>SOMEBODY 100; 2:I(1) EU>SOMEBODY 100; 3:I(2) EU>SOMEBODY 70 for G; 4:I(2) ->SOMEBODY 30 for G; 5:D(3) SOMEBODY>SCHOOL 60",
            &["T-1", "inside: T-5"],
        ),
        // What a receipt comes to may differ from what was paid: by a fee, or in another currency.
        ("1:D EU>SOMEBODY 100; 2:I(1) EU>SOMEBODY 99 for G; 3:D(1) SOMEBODY>SCHOOL 60", &["T-1", "inside: T-3"]),
        // A receipt that does not say who receives is of whom was paid.
        ("1:D EU>SOMEBODY 100 for G; 2:I(1) EU>- 100; 3:D(2) ->SCHOOL 60", &["T-1", "inside: T-3"]),
        // Of the rest nobody says anything, and who paid a third of it may have done so here or there.
        (
            "1:D EU>SOMEBODY 100; 2:D(1) EU>SOMEBODY 70 for G; 3:D(1) SOMEBODY>SCHOOL 30",
            &["T-2", "replaced: T-1", "side_unknown: T-3"],
        ),
        // Who paid, the payment says that the receipt is a whole of.
        ("1:D ->TOWN 100; 2:I(1) EU>TOWN 100", &["T-1"]),
        // It goes out as a receipt tells, and comes back.
        ("1:D EU>MIN 100; 2:I(1) MIN>UN 40; 3:D(2) UN>SCHOOL 40", &["T-1", "already_inside: T-3"]),
        // A part was passed on as a receipt tells, another came straight.
        ("1:D EU>MIN 100; 2:I(1) MIN>TOWN 60; 3:D(1) EU>SCHOOL 40", &["T-1", "already_inside: T-3"]),
        // What a part's receiver passed on, by its receipt, came in with that part.
        (
            "1:D EU>MIN 100; 2:D(1) EU>MIN 60; 3:I(2) EU>MIN 60; 4:D(3) MIN>TOWN 60; 5:D(1) EU>SCHOOL 40",
            &["T-2 T-5", "inside: T-4", "replaced: T-1"],
        ),
        // Money that comes in as receipts tell it, and comes back.
        ("1:I EU>MIN 100; 2:I(1) MIN>UN 40; 3:D(2) UN>SCHOOL 40", &["", "already_inside: T-3"]),
        // What was passed on under a promise from inside was.
        (
            "1:D EU>MIN 100; 2:C(1) MIN>TOWN 60; 3:D(2) MIN>TOWN 60; 4:D(1) EU>SCHOOL 40",
            &["T-1", "already_inside: T-4", "inside: T-3"],
        ),
        // Who passed it on says nothing of where it was.
        ("1:D EU>SOMEBODY 100; 2:I(1) SOMEBODY>- 60 for G", &["", "side_unknown: T-1"]),
        // A promise from inside pays nothing.
        ("1:C MIN>TOWN 100; 2:D(1) MIN>TOWN 60; 3:D(1) EU>TOWN 40", &["T-3", "inside: T-2"]),
        // What its receiver put aside is not the payment told again.
        ("1:D EU>SOMEBODY 100; 2:D(1) SOMEBODY>SOMEBODY 100 for G", &["", "parked: T-2", "side_unknown: T-1"]),
        // A receipt that does not say where either.
        (
            "1:D EU>SOMEBODY 100 for G; 2:I(1) ->SOMEBODY 100; 3:I(2) EU>SOMEBODY 100; 4:D(3) SOMEBODY>UN 60; 5:D(4) UN>SCHOOL 60",
            &["T-1", "already_inside: T-5", "outward: T-4"],
        ),
        // Who received puts some of it aside, which is not the payment told again.
        (
            "1:D EU>SOMEBODY 100 for G; 2:D(1) SOMEBODY>SOMEBODY 60 for G; 3:D(2) SOMEBODY>SCHOOL 50",
            &["T-1", "inside: T-2 T-3"],
        ),
        // As does who received nobody knows where.
        ("1:D EU>SOMEBODY 100; 2:D(1) SOMEBODY>SOMEBODY 60; 3:D(2) SOMEBODY>SCHOOL 50", &["T-3", "replaced: T-1 T-2"]),
        // Where who had received is, nobody knows.
        ("1:D EU>SOMEBODY 100; 2:D(1) SOMEBODY>SCHOOL 60; 3:D(1) ->SCHOOL 40", &["T-2 T-3", "replaced: T-1"]),
        // What somebody inside promised abroad, and its receiver pays on, comes back: whether the payment between is told or not.
        (
            "0:C EU>MIN 100; 1:D(0) EU>MIN 100; 2:C(0) MIN>UN 40; 3:D(2) MIN>UN 40; 4:D(2) UN>SCHOOL 40",
            &["T-1", "already_inside: T-4", "outward: T-3"],
        ),
        (
            "0:D EU>MIN 100; 1:C(0) MIN>UN 40; 2:D(1) ->SCHOOL 40; 3:D(0) EU>TOWN 60",
            &["T-0", "already_inside: T-2 T-3"],
        ),
        // What its receiver spent itself is not the payment told again.
        ("1:D EU>SOMEBODY 100; 2:E(1) SOMEBODY>SOMEBODY 100 for G", &["", "side_unknown: T-1"]),
        // A tenth of a payment, received for a grant, does not say where the rest went.
        ("1:D EU>SOMEBODY 100; 2:I(1) EU>SOMEBODY 10 for G; 3:D(1) SOMEBODY>SCHOOL 40", &["", "side_unknown: T-1 T-3"]),
        // A receipt that names nobody has the receiver of the payment for those below it.
        (
            "1:D EU>SOMEBODY 100 for G; 2:I(1) ->- 100; 3:D(2) EU>SOMEBODY 100; 4:D(3) SOMEBODY>SCHOOL 40",
            &["T-3", "inside: T-4", "replaced: T-1"],
        ),
        // Nobody is named at all, and yet they tell of one payment.
        ("1:D EU>- 100; 2:I(1) ->- 100 for G; 3:D(2) ->SCHOOL 60", &["T-1", "inside: T-3"]),
    ];
    let app = TestApp::empty().await;
    let mut connection = app.connection().await;
    make::write(&mut connection, &people).await;
    for (case, (story, expected)) in cases.into_iter().enumerate() {
        let flows: Vec<_> = story.split("; ").map(|text| told(text, case)).collect();
        make::write(&mut connection, &flows).await;
        let found = judged(&app.anon(), "T-COUNTRY").await;
        let found: Vec<_> = found.iter().map(|line| line.replace(&format!("T-{case}-"), "T-")).collect();
        assert_eq!(found, expected, "{story}");
        let told = flows.iter().rev().map(|(of, flow)| (*of, flow["identifier"].as_str().unwrap().to_owned()));
        make::change(&mut connection, &[], &told.collect::<Vec<_>>()).await;
    }
}
