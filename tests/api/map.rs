//! Places on the map: GeoJSON, boxes and distances, and what must be said of a place.

use serde_json::{Value, json};

use crate::support::TestApp;

#[actix_web::test]
async fn geojson_is_whole_and_has_the_points_of_places() {
    let app = TestApp::shipped().await;
    for (collection, features) in [("locations", 506), ("grants", 11), ("programmes", 9), ("beneficiaries", 12)] {
        let answer = app.anon().get(&format!("/v1/{collection}.geojson")).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/geo+json");
        let whole: Value = answer.json();
        let found = whole["features"].as_array().unwrap();
        assert!(whole["type"] == "FeatureCollection" && found.len() >= features.min(found.len()), "{collection}");
        let all = app.anon().get(&format!("/v1/{collection}?limit=1000&count=exact")).await.json();
        assert_eq!(all["meta"]["total"], found.len(), "{collection}");
        for feature in found {
            assert_eq!((&feature["type"], &feature["id"]), (&json!("Feature"), &feature["properties"]["identifier"]));
            if feature["geometry"]["type"] == "Point" {
                let [longitude, latitude] = [0, 1].map(|n| feature["geometry"]["coordinates"][n].as_f64().unwrap());
                assert!((-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude), "{feature}");
            }
        }
    }
    let town = app.anon().get("/v1/locations.geojson?identifier=RS-71200").await.expect(200).json();
    assert_eq!(town["features"][0]["geometry"]["coordinates"].to_string(), "[21.37,43.9275]");
    let county = app.anon().get("/v1/programmes.geojson?identifier=AR-INTERREG-RORS").await.expect(200).json();
    assert_eq!(county["features"][0]["geometry"]["coordinates"].as_array().unwrap().len(), 9);
    let empty = app.anon().get("/v1/grants.geojson?identifier=NONE").await.expect(200).json();
    assert_eq!(empty["features"], json!([]));
    app.anon().get("/v1/transactions.geojson").await.problem(404);
    app.anon().get_with("/v1/transactions", &[("accept", "application/geo+json")]).await.problem(406);
}

#[actix_web::test]
async fn totals_by_place_are_a_map() {
    let app = TestApp::shipped().await;
    let answer = app.anon().get("/v1/totals/grants.geojson?group_by=place").await.expect(200);
    assert_eq!(answer.header("content-type"), "application/geo+json");
    let features = answer.json()["features"].clone();
    let town = features
        .as_array()
        .unwrap()
        .iter()
        .find(|feature| feature["properties"]["place"] == "RS-71200")
        .unwrap()
        .clone();
    assert_eq!(
        (town["geometry"]["coordinates"].to_string(), town["properties"]["sum"].to_string()),
        ("[21.37,43.9275]".into(), "177200.00".into())
    );
    let groups = app.anon().get("/v1/totals/grants?group_by=place&limit=1000").await.json();
    assert_eq!(features.as_array().unwrap().len(), groups["data"].as_array().unwrap().len());
    app.anon().get("/v1/totals/grants.geojson?group_by=year").await.problem(400);
    app.anon().get("/v1/totals/grants.geojson?group_by=place&limit=3").await.problem(400);
}

#[actix_web::test]
async fn boxes_and_distances_find_what_is_there() {
    let app = TestApp::shipped().await;
    let of = async |query: &str| app.anon().get(&format!("/v1/{query}")).await.expect(200).identifiers();
    assert_eq!(of("locations?near=43.9275,21.37,1").await, ["RS-71200"]);
    assert!(
        of("locations?near=43.9275,21.37,30&limit=1000").await.contains(&"RS-71048".to_owned()),
        "Jagodina is 15 km away"
    );
    assert_eq!(of("grants?near=43.93,21.37,5").await, ["AR-CUPRIJA-CAC-GRANT"]);
    assert_eq!(of("grants?bbox=21.3,43.9,21.4,44.0").await, ["AR-CUPRIJA-CAC-GRANT"]);
    assert!(of("grants?bbox=170,-10,-170,10").await.is_empty());
    for query in [
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=0,10,1,5",
        "bbox=0,0,0,91",
        "near=1,2",
        "near=100,0,5",
        "near=1,1,-1",
        "near=1,NaN,1",
    ] {
        assert_eq!(app.anon().get(&format!("/v1/grants?{query}")).await.problem(400).len(), 1, "{query}");
    }
}

#[actix_web::test]
async fn the_note_on_kosovo_travels_with_every_format() {
    let app = TestApp::shipped().await;
    let words = "Resolution 1244 (1999)";
    for path in [
        "/v1/programmes?place=XK",
        "/v1/programmes.csv?place=XK",
        "/v1/programmes.ndjson?place=XK",
        "/v1/programmes.geojson?place=XK",
        "/v1/programmes?place=XK&fields=places",
        "/v1/locations/XK",
        "/v1/locations.csv?identifier=XK",
        "/v1/locations.geojson?identifier=XK",
    ] {
        let text = app.anon().get(path).await.expect(200).text();
        assert!(text.contains(words), "{path}: {text}");
    }
}
