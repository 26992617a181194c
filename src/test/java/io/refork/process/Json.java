package io.refork.process;

import java.util.List;
import java.util.Map;

/** A JSON object in a test: a field that is missing or of another type fails with its name. */
public record Json(Map<String, Object> fields) {
  @SuppressWarnings("unchecked")
  public Json object(String name) {
    return new Json((Map<String, Object>) get(name, Map.class));
  }

  @SuppressWarnings("unchecked")
  public List<Json> list(String name) {
    return ((List<Map<String, Object>>) get(name, List.class)).stream().map(Json::new).toList();
  }

  public String text(String name) {
    return get(name, String.class);
  }

  public int integer(String name) {
    return get(name, Number.class).intValue();
  }

  public long number(String name) {
    return get(name, Number.class).longValue();
  }

  public double real(String name) {
    return get(name, Number.class).doubleValue();
  }

  public boolean isNull(String name) {
    return fields.get(name) == null;
  }

  private <T> T get(String name, Class<T> type) {
    var value = fields.get(name);
    if (!type.isInstance(value)) {
      throw new AssertionError(name + " is " + value + " in " + fields);
    }
    return type.cast(value);
  }
}
