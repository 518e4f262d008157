//! JSON values as a schema compares them: numbers by value, objects without order. Never copies one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde_json::{Map, Number, Value};

/// A borrowed JSON value; unlike `&Value` it can be made of a record's fields or of a property's name.
#[derive(Clone, Copy)]
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number(&'a Number),
    String(&'a str),
    Array(&'a [Value]),
    Object(&'a Map<String, Value>),
}

impl<'a> From<&'a Value> for Json<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => Json::Number(number),
            Value::String(text) => Json::String(text),
            Value::Array(items) => Json::Array(items),
            Value::Object(map) => Json::Object(map),
        }
    }
}

/// True when a schema takes the two for the same value: `1` and `1.0` are.
pub(super) fn same(a: Json<'_>, b: Json<'_>) -> bool {
    compare(a, b).is_eq()
}

/// True when no two items are the same value.
pub(super) fn all_distinct(items: &[Value]) -> bool {
    if items.len() <= PAIRWISE_MAX {
        return items.iter().enumerate().all(|(at, a)| items[..at].iter().all(|b| !same(a.into(), b.into())));
    }
    let mut heap: BinaryHeap<Ordered<'_>> = items.iter().map(|item| Ordered(item.into())).collect();
    let mut last = heap.pop();
    while let Some(item) = heap.pop() {
        if last.replace(item) == last {
            return false;
        }
    }
    true
}

/// Gives a value the order of [`compare`].
struct Ordered<'a>(Json<'a>);

impl Ord for Ordered<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.0, other.0)
    }
}

impl PartialOrd for Ordered<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ordered<'_> {
    fn eq(&self, other: &Self) -> bool {
        same(self.0, other.0)
    }
}

impl Eq for Ordered<'_> {}

/// True when `value` is a multiple of `divisor`, as decimals: rounding of either to binary is forgiven.
pub(super) fn is_multiple(value: &Number, divisor: &Number) -> bool {
    if let (Some(value), Some(divisor)) = (value.as_i64(), divisor.as_i64()) {
        return value.checked_rem(divisor) == Some(0);
    }
    let (value, divisor) = (float(value), float(divisor));
    let times = (value / divisor).round();
    // Each of the two is within half a rounding of its decimal, and so is their product: two roundings cover all three.
    times.is_infinite() || (times * divisor - value).abs() <= 2.0 * f64::EPSILON * value.abs()
}

/// A number as the protocol knows it. Integers beyond 2^53 - 1 are no payload, so nothing is lost.
pub(super) fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// A total order in which equal means [`same`].
fn compare(a: Json<'_>, b: Json<'_>) -> Ordering {
    match (a, b) {
        (Json::Bool(a), Json::Bool(b)) => a.cmp(&b),
        // Adding zero makes `-0.0` positive.
        (Json::Number(a), Json::Number(b)) => (float(a) + 0.0).total_cmp(&(float(b) + 0.0)),
        (Json::String(a), Json::String(b)) => a.cmp(b),
        (Json::Array(a), Json::Array(b)) => {
            let items = a.iter().zip(b).map(|(a, b)| compare(a.into(), b.into()));
            a.len().cmp(&b.len()).then_with(|| first_difference(items))
        }
        (Json::Object(a), Json::Object(b)) => {
            let entries = a.iter().zip(b).map(|(a, b)| a.0.cmp(b.0).then_with(|| compare(a.1.into(), b.1.into())));
            a.len().cmp(&b.len()).then_with(|| first_difference(entries))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn first_difference(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn rank(value: Json<'_>) -> u8 {
    match value {
        Json::Null => 0,
        Json::Bool(_) => 1,
        Json::Number(_) => 2,
        Json::String(_) => 3,
        Json::Array(_) => 4,
        Json::Object(_) => 5,
    }
}

/// Up to here comparing each with each is cheaper than sorting, and allocates nothing.
const PAIRWISE_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_the_same_by_meaning() {
        let check =
            |a: Value, b: Value, expected: bool| assert_eq!(same((&a).into(), (&b).into()), expected, "{a} {b}");
        check(json!(1), json!(1.0), true);
        check(json!(0), json!(-0.0), true);
        check(json!({"a": 1, "b": [1.0]}), json!({"b": [1], "a": 1.0}), true);
        check(json!(1), json!(true), false);
        check(json!(0), json!(false), false);
        check(json!("1"), json!(1), false);
        check(json!([]), json!({}), false);
        check(json!([1, 2]), json!([2, 1]), false);
        check(json!({"a": 1}), json!({"b": 1}), false);
        check(json!(null), json!({}), false);
    }

    #[test]
    fn duplicates_are_found_in_short_and_in_long_lists() {
        for length in [3, PAIRWISE_MAX, PAIRWISE_MAX + 1, 500] {
            let mut items: Vec<Value> = (0..length).map(|n| json!({ "n": n })).collect();
            assert!(all_distinct(&items), "{length}");
            items[length - 1] = json!({"n": 0.0});
            assert!(!all_distinct(&items), "{length}");
        }
    }

    #[test]
    fn multiples_are_decimal() {
        let check = |value: Value, divisor: Value, expected: bool| {
            let multiple = is_multiple(value.as_number().unwrap(), divisor.as_number().unwrap());
            assert_eq!(multiple, expected, "{value} {divisor}");
        };
        check(json!(0.3), json!(0.1), true);
        check(json!(4.35), json!(0.01), true);
        check(json!(-2.5), json!(0.5), true);
        check(json!(0), json!(0.01), true);
        check(json!(123_456_789.01), json!(0.01), true);
        check(json!(0.0075), json!(0.0001), true);
        check(json!(6.0), json!(3), true);
        check(json!(1e308), json!(0.5), true);
        check(json!(9_007_199_254_740_990_i64), json!(2), true);
        check(json!(9_007_199_254_740_991_i64), json!(2), false);
        check(json!(7.0), json!(2), false);
        check(json!(0.35), json!(0.1), false);
        check(json!(4.351), json!(0.01), false);
        check(json!(2.25), json!(0.5), false);
        check(json!(0.007_51), json!(0.0001), false);
        check(json!(1), json!(2.5), false);
        for cents in 0..200_000 {
            let price: f64 = format!("{}.{:02}", cents / 100, cents % 100).parse().unwrap();
            check(json!(price), json!(0.01), true);
            check(json!(price + 0.001), json!(0.01), false);
        }
    }
}
