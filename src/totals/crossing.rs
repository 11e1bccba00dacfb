//! Which flows cross a boundary inward: once, however many pass the money on inside, or send it back.

use super::facts::Facts;
use super::rules::{PARKED, Rules, SELVES, WHOLES};

/// Which kind of thing a boundary is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// A place, with what lies in it.
    Place,
    /// A programme, with its components and projects.
    Programme,
    /// An organisation or beneficiary.
    Party,
}

/// Why only what is asked around a boundary is left out.
pub const OF_BOUNDARIES: [&str; 5] = ["inside", "outward", "outside", "already_inside", "side_unknown"];

/// What crosses a boundary inward counts, unless parts of it say the same crossing in more detail, its money was
/// inside before, or it is only parked there.
pub const CROSSING: &str = "CASE
      WHEN (ends.giving IS NULL OR ends.taking IS NULL) AND divided.identifier IS NOT NULL THEN 'replaced'
      WHEN ends.giving IS NULL OR ends.taking IS NULL THEN 'side_unknown'
      WHEN ends.giving AND ends.taking THEN 'inside'
      WHEN ends.giving THEN 'outward'
      WHEN NOT ends.taking THEN 'outside'
      WHEN divided.identifier IS NOT NULL THEN 'replaced'
      WHEN ends.parked THEN 'parked'
      WHEN returned.identifier IS NOT NULL THEN 'already_inside'
    END";
/// What it is told by.
pub const ENDS: &str = "
  LEFT JOIN ends ON ends.identifier = t.identifier
  LEFT JOIN divided ON divided.identifier = t.identifier AND divided.type = t.type
  LEFT JOIN returned ON returned.identifier = t.identifier";

/// Whether a `whole` and a `part` of it name one receiver; a part that names nobody means the same where the other side
/// tells it.
const ONE: &str = "coalesce(whole.payees && part.payees, part.payees IS NULL AND whole.incoming <> part.incoming)";
/// Whether they tell of the same payment: not where somebody pays itself in the part alone.
const SAME: &str = "({one} AND whole.itself >= part.itself)";

/// Where payer and receiver of a flow are that does not say it itself: where the parts do that tell of the same payment,
/// if all of these say one, and come to all of it or are told by the other side; or else, of a receiver, where the
/// nearest whole does that names the same one. `partly`: of a receiver some parts say where it is, and others may differ.
const TOLD: &str = "said AS (
    SELECT whole.identifier, whole.parent, whole.payees, whole.incoming, whole.itself, part.identifier AS teller, part.amount,
      part.currency, part.incoming AS told_by, CASE WHEN whole.giving IS NULL THEN part.giving END AS giving,
      CASE WHEN whole.taking IS NULL THEN part.taking END AS taking
    FROM stated part JOIN stated whole ON whole.identifier = part.parent
    WHERE {same} AND (whole.giving IS NULL AND part.giving IS NOT NULL OR whole.taking IS NULL AND part.taking IS NOT NULL)
    UNION
    SELECT whole.identifier, whole.parent, coalesce(whole.payees, part.payees), whole.incoming, whole.itself, part.teller, part.amount,
      part.currency, part.told_by, CASE WHEN whole.giving IS NULL THEN part.giving END,
      CASE WHEN whole.taking IS NULL THEN part.taking END
    FROM said part JOIN stated whole ON whole.identifier = part.parent
    WHERE {same} AND (whole.giving IS NULL AND part.giving IS NOT NULL OR whole.taking IS NULL AND part.taking IS NOT NULL)),
  agreed AS (
    SELECT part.identifier, {giving} AS giving, {taking} AS taking, bool_or(part.taking) IS NOT NULL AS partly
    FROM said part JOIN stated whole ON whole.identifier = part.identifier GROUP BY part.identifier, whole.amount),
  placed AS MATERIALIZED (
    SELECT stated.identifier, parent, payees, incoming, coalesce(stated.giving, agreed.giving) AS giving,
      coalesce(stated.taking, agreed.taking) AS taking, coalesce(partly, false) AS partly
    FROM stated LEFT JOIN agreed ON agreed.identifier = stated.identifier),
  heard AS (
    SELECT identifier, parent, payees, incoming, taking FROM placed WHERE taking IS NULL AND parent IS NOT NULL
    UNION
    SELECT part.identifier, whole.parent, coalesce(whole.payees, part.payees), whole.incoming, whole.taking
    FROM heard part JOIN placed whole ON whole.identifier = part.parent WHERE part.taking IS NULL AND {one}),
  told AS (
    SELECT stated.identifier, stated.parent, stated.type, stated.payees, stated.incoming, itself, parked, promised,
      placed.giving, coalesce(placed.taking, heard.taking) AS taking, partly
    FROM stated JOIN placed USING (identifier)
      LEFT JOIN heard ON heard.identifier = stated.identifier AND heard.taking IS NOT NULL)";
/// What parts say of a `{side}` of their whole.
const AGREED: &str = "CASE WHEN bool_and(part.{side}) = bool_or(part.{side})
      AND (bool_or(part.told_by <> whole.incoming) FILTER (WHERE part.{side} IS NOT NULL)
        OR sign(whole.amount) * sum(part.amount) FILTER (WHERE part.{side} IS NOT NULL AND part.currency = whole.currency)
          >= abs(whole.amount)) THEN bool_and(part.{side}) END";
/// Where a part comes from whose payer is nobody knows where: from where the whole went, of whichever type that is. Where
/// both tell of one payment, it comes from where the whole does; and so does what went nobody knows where.
const ORIGIN: &str = "origin AS (
    SELECT identifier, parent, payees, incoming, itself, giving, false AS open FROM told WHERE giving IS NULL AND parent IS NOT NULL
    UNION
    SELECT part.identifier, whole.parent, coalesce(whole.payees, part.payees), whole.incoming, whole.itself,
      CASE WHEN {same} THEN whole.giving ELSE coalesce(whole.taking, CASE WHEN NOT whole.partly THEN whole.giving END) END,
      NOT ({same}) AND whole.taking IS NULL AND whole.partly
    FROM origin part JOIN told whole ON whole.identifier = part.parent WHERE part.giving IS NULL AND NOT part.open),
  ends AS (
    SELECT *, NOT giving AND taking AND NOT parked AS enters FROM (
      SELECT told.identifier, told.parent, told.type, coalesce(told.giving, origin.giving, CASE WHEN origin.open IS NOT TRUE THEN {rootless} END) AS giving,
        coalesce(told.taking, {rootless}) AS taking, told.parked, told.promised
      FROM told LEFT JOIN origin ON origin.identifier = told.identifier AND (origin.giving IS NOT NULL OR origin.open)) AS every)";

/// All that a flow which enters is part of, however far above.
const ABOVE: &str = "above AS (
    SELECT identifier AS flow, parent AS identifier, type, promised FROM ends WHERE enters AND parent IS NOT NULL
    UNION
    SELECT above.flow, t.parent, above.type, above.promised
    FROM above JOIN transactions t USING (identifier) WHERE t.parent IS NOT NULL)";

/// What enters of money that was inside before: below what somebody inside paid, or below the nearest flow of its type above
/// such a payment that enters, as that is how its money came in. Promises pay nothing, and payments promise nothing.
const RETURNED: &str = "spent AS (
    SELECT ends.parent AS identifier, kinds.type FROM ends
      JOIN (SELECT DISTINCT type, promised FROM above) AS kinds USING (promised) WHERE ends.giving AND ends.parent IS NOT NULL
    UNION
    SELECT ends.parent, spent.type FROM spent JOIN ends USING (identifier)
    WHERE ends.parent IS NOT NULL AND ends.giving IS NOT TRUE AND (ends.enters AND ends.type = spent.type) IS NOT TRUE),
  returned AS (
    SELECT DISTINCT above.flow AS identifier FROM above JOIN ends USING (identifier)
    WHERE ends.giving AND ends.promised = above.promised OR ends.enters AND ends.type = above.type
      AND EXISTS (SELECT FROM spent WHERE (spent.identifier, spent.type) = (above.identifier, above.type)))";

/// The flows that those which count are parts of.
const DIVIDED: &str = "divided AS (
    SELECT DISTINCT above.identifier, above.type FROM above
    WHERE NOT EXISTS (SELECT FROM returned WHERE returned.identifier = above.flow))";

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

/// Flows that who receives reports; and those that move no money yet.
const INCOMING: &str = "'incoming_funds', 'incoming_commitment', 'incoming_pledge'";
const PROMISED: &str = "'outgoing_commitment', 'outgoing_pledge', 'incoming_commitment', 'incoming_pledge'";
/// The member that says who receives.
const RECEIVER: &str = "receiver";

impl Facts<'_> {
    /// Which ends of flows lie inside of a boundary, and what of those that enter counts.
    pub fn cross(&mut self, around: Around, boundary: &str) {
        let value = self.statement.text(boundary);
        match around {
            Around::Place => self.seats(&value),
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
        // What names no programme, and is told of in nothing that does, is outside of each.
        let rootless = if around == Around::Programme { "false" } else { "NULL::boolean" };
        // Of flows of other types those in chains say where others come from and go.
        let those = match &self.question.types {
            Some(types) => format!(
                " WHERE t.type = ANY({}) OR t.parent IS NOT NULL OR EXISTS (SELECT FROM transactions c WHERE c.parent = t.identifier)",
                self.statement.list(types)
            ),
            None => String::new(),
        };
        self.statement.add(format!(
            "stated AS MATERIALIZED (SELECT t.identifier, t.parent, t.type, t.amount, t.currency, {} AS giving, {} AS taking, {parked} AS parked,
               {PARKED} IS TRUE AS itself, t.type IN ({INCOMING}) AS incoming, t.type IN ({PROMISED}) AS promised,
               nullif(array_remove(ARRAY[t.doc #>> '{{receiver,organisation}}', t.doc #>> '{{receiver,beneficiary}}', rb.organisation], NULL), '{{}}') AS payees
             FROM transactions t{SELVES}{seated}{those})",
            end(around, "provider", false),
            end(around, RECEIVER, true),
        ));
        let of = |side: &str| AGREED.replace("{side}", side);
        let fill = |sql: &str| {
            sql.replace("{same}", SAME)
                .replace("{one}", ONE)
                .replace("{giving}", &of("giving"))
                .replace("{taking}", &of("taking"))
                .replace("{rootless}", rootless)
        };
        for (name, expression) in
            [("told", TOLD), ("ends", ORIGIN), ("above", ABOVE), ("returned", RETURNED), ("divided", DIVIDED)]
        {
            self.statement.add(fill(expression));
            self.keep(name);
        }
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
        // Who receives without a seat receives where the activity works.
        Around::Place if side == RECEIVER => {
            "coalesce(seats.receiver, CASE WHEN works.every THEN true WHEN works.none THEN false END)".to_owned()
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
