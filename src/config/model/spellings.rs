//! Other spellings of properties, in the JSON Schema.

use schemars::Schema;
use serde_json::{Value, json};

/// Adds to an object's schema the other spellings of its properties; of a required one any spelling will do.
pub fn add(schema: &mut Schema, spellings: &[(&str, &[&str])]) {
    for (name, others) in spellings.iter().filter(|(_, others)| !others.is_empty()) {
        also(schema, name, others);
        if no_longer_required(schema, name) {
            let any: Vec<Value> = std::iter::once(name).chain(*others).map(|name| json!({ "required": [name] })).collect();
            if let Some(all) = schema.ensure_object().entry("allOf").or_insert_with(|| json!([])).as_array_mut() {
                all.push(json!({ "anyOf": any }));
            }
        }
    }
}

fn also(schema: &mut Schema, name: &str, others: &[&str]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let Some(meaning) = properties.get(name).cloned() else { return };
    for other in others {
        properties.insert((*other).to_owned(), meaning.clone());
    }
}

/// Takes a name off the list of required ones; whether it was there.
fn no_longer_required(schema: &mut Schema, name: &str) -> bool {
    let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) else { return false };
    let before = required.len();
    required.retain(|entry| entry != name);
    required.len() < before
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn any_spelling_of_a_required_property_will_do() {
        let mut schema: Schema =
            json!({ "properties": { "a": { "type": "string" }, "b": {} }, "required": ["a", "b"] }).try_into().unwrap();
        add(&mut schema, &[("a", &["A2"]), ("b", &[])]);
        let properties = schema.get("properties").unwrap();
        assert_eq!(properties["A2"], properties["a"]);
        assert_eq!(schema.get("required"), Some(&json!(["b"])));
        assert_eq!(schema.get("allOf"), Some(&json!([{ "anyOf": [{ "required": ["a"] }, { "required": ["A2"] }] }])));
    }
}
