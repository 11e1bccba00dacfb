//! On which side of a boundary payers and receivers are, as far as their flows themselves say it.

use super::crossing::Around;
use super::facts::Facts;
use super::rules::{ITSELF, PARKED, Rules, SELVES, WHOLES};

/// Whether the places of a record, or of what a flow comes from or goes to, lie inside. A place
/// that the boundary lies in is neither inside nor apart from it.
const SITES: &str = "sites AS (
    SELECT l.record, bool_or(w.place IS NOT NULL) AS some, bool_and(w.place IS NOT NULL) AS every,
      bool_and(w.place IS NULL AND b.place IS NULL) AS none
    FROM links l LEFT JOIN within w ON w.place = l.target LEFT JOIN beyond b ON b.place = l.target
    WHERE l.role = 'place' GROUP BY l.record)";
/// Whether the seats of organisations and beneficiaries do. Who states none is where the same body is as another: an
/// organisation where the beneficiaries are that it is, if these lie on one side; a beneficiary where its organisation is.
const HOMES: &str = "bodies AS MATERIALIZED (
    SELECT sites.record, sites.some FROM sites
    UNION ALL
    SELECT b.organisation, CASE WHEN bool_and(s.some) THEN true WHEN NOT bool_or(s.some) THEN false END
    FROM beneficiaries b JOIN sites s ON s.record = b.identifier
    WHERE b.organisation IS NOT NULL AND NOT EXISTS (SELECT FROM sites own WHERE own.record = b.organisation)
    GROUP BY b.organisation),
  homes AS (
    SELECT * FROM bodies
    UNION ALL
    SELECT b.identifier, bodies.some FROM beneficiaries b JOIN bodies ON bodies.record = b.organisation
    WHERE NOT EXISTS (SELECT FROM sites own WHERE own.record = b.identifier))";
const SEATS: &str = "seats AS (
    SELECT r.record, bool_or(h.some) FILTER (WHERE r.role = 'provider') AS provider,
      bool_or(h.some) FILTER (WHERE r.role = 'receiver') AS receiver
    FROM links r JOIN homes h ON h.record = r.target WHERE r.role IN ('provider', 'receiver') GROUP BY r.record)";
const SEATED: &str = " LEFT JOIN seats ON seats.record = t.identifier
  LEFT JOIN sites works ON works.record
    = coalesce(t.doc #>> '{receiver,grant}', t.doc #>> '{receiver,programme}', t.grant_id, t.programme)";
/// Where that activity works; of what who pays reports, without a word of the receiver's, the payer's own: that is
/// assumed to be where the money goes.
const WORKS: &str = "CASE WHEN works.every THEN true WHEN works.none THEN false END";

/// Flows that who receives reports; and those that move no money yet.
const INCOMING: &str = "'incoming_funds', 'incoming_commitment', 'incoming_pledge'";
const PROMISED: &str = "'outgoing_commitment', 'outgoing_pledge', 'incoming_commitment', 'incoming_pledge'";
/// The member that says who receives.
const RECEIVER: &str = "receiver";

impl Facts<'_> {
    /// What each flow states of its payer and receiver.
    pub fn state(&mut self, around: Around, value: &str) {
        match around {
            Around::Place => self.seats(value),
            Around::Programme => self.statement.add(format!(
                "within AS (SELECT {value}::text COLLATE \"C\" AS identifier UNION
                   SELECT p.identifier FROM within JOIN programmes p ON p.parent = within.identifier)"
            )),
            // The organisation, and what it is as a beneficiary.
            Around::Party => self.statement.add(format!(
                "body AS MATERIALIZED (SELECT coalesce((SELECT organisation FROM beneficiaries WHERE identifier = {value}), {value}) AS identifier),
                 selves AS MATERIALIZED (SELECT {value}::text COLLATE \"C\" AS identifier UNION SELECT identifier FROM body
                   UNION SELECT b.identifier FROM beneficiaries b JOIN body ON b.organisation = body.identifier)"
            )),
        }
        // From one programme of an organisation's to another it may go, elsewhere it must come from another body.
        // What has parts went on into a place: it is not only parked.
        let (parked, seated) = match around {
            Around::Place => (
                format!("{PARKED} IS TRUE AND (t.identifier, t.type) NOT IN (SELECT identifier, type FROM wholes)"),
                SEATED,
            ),
            Around::Programme => ("false".to_owned(), ""),
            Around::Party => (format!("{PARKED} IS TRUE"), ""),
        };
        // Of flows of other types those in chains say where others come from and go.
        let those = match &self.question.types {
            Some(types) => format!(
                " WHERE t.type = ANY({}) OR t.parent IS NOT NULL OR EXISTS (SELECT FROM transactions c WHERE c.parent = t.identifier)",
                self.statement.list(types)
            ),
            None => String::new(),
        };
        let parked = parked.replace("{itself}", ITSELF);
        self.statement.add(format!(
            "stated AS MATERIALIZED (SELECT t.identifier, t.parent, t.type, t.amount, t.currency, {} AS giving, {} AS took, {} AS assumed, {parked} AS parked,
               {ITSELF} IS TRUE AS itself, t.type IN ({INCOMING}) AS incoming, t.type IN ({PROMISED}) AS promised,
               nullif(array_remove(ARRAY[t.doc #>> '{{receiver,organisation}}', t.doc #>> '{{receiver,beneficiary}}', rb.organisation], NULL), '{{}}') AS payees,
               nullif(array_remove(ARRAY[t.doc #>> '{{provider,organisation}}', t.doc #>> '{{provider,beneficiary}}', pb.organisation], NULL), '{{}}') AS payers
             FROM transactions t{SELVES}{seated}{those})",
            end(around, "provider", false),
            end(around, RECEIVER, true),
            if around == Around::Place { WORKS } else { "NULL::boolean" },
        ));
    }

    /// Where everybody is, seen from a place.
    fn seats(&mut self, place: &str) {
        self.statement.add(format!("within AS MATERIALIZED (SELECT places_within(ARRAY[{place}]) AS place)"));
        self.statement.add(format!(
            "beyond AS (SELECT parent AS place FROM locations WHERE identifier = {place} AND parent IS NOT NULL
               UNION SELECT l.parent FROM beyond JOIN locations l ON l.identifier = beyond.place WHERE l.parent IS NOT NULL)"
        ));
        let wholes = Rules::now("").fill(WHOLES);
        for (name, expression) in [("sites", SITES), ("wholes", &wholes), ("homes", HOMES), ("seats", SEATS)] {
            self.statement.add(expression);
            self.keep(name);
        }
    }
}

/// Whether an end of a flow lies inside. Incoming flows are reported by who receives, all others by who pays.
fn end(around: Around, side: &str, receives: bool) -> String {
    let (if_incoming, otherwise) = (inside(around, side, receives), inside(around, side, !receives));
    match if_incoming == otherwise {
        true => if_incoming,
        false => format!("CASE WHEN t.type IN ({INCOMING}) THEN {if_incoming} ELSE {otherwise} END"),
    }
}

/// Whether the payer or receiver of a flow lies inside, if it `reports` it or not.
fn inside(around: Around, side: &str, reports: bool) -> String {
    match around {
        // Who receives without a seat receives where the activity works that it receives for.
        Around::Place if side == RECEIVER => {
            let own = if reports { "true" } else { "coalesce(t.doc #>> '{receiver,grant}', t.doc #>> '{receiver,programme}') IS NOT NULL" };
            format!("coalesce(seats.receiver, CASE WHEN {own} THEN {WORKS} END)")
        }
        Around::Place => "seats.provider".to_owned(),
        Around::Programme => {
            let named = format!("t.doc #>> '{{{side},grant}}', t.doc #>> '{{{side},programme}}'");
            let own = if reports { "t.grant_id, t.programme" } else { "NULL" };
            format!(
                "(SELECT bool_or(coalesce(g.programme, x.id) IN (SELECT identifier FROM within))
                   FROM unnest(CASE WHEN coalesce({named}) IS NULL THEN ARRAY[{own}] ELSE ARRAY[{named}] END) AS x (id)
                   LEFT JOIN grants g ON g.identifier = x.id)"
            )
        }
        Around::Party => format!(
            "CASE WHEN t.doc #>> '{{{side},organisation}}' IS NULL AND t.doc #>> '{{{side},beneficiary}}' IS NULL THEN NULL
             ELSE coalesce(t.doc #>> '{{{side},organisation}}' IN (SELECT identifier FROM selves), false)
               OR coalesce(t.doc #>> '{{{side},beneficiary}}' IN (SELECT identifier FROM selves), false) END"
        ),
    }
}
