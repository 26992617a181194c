package io.refork.protocol.control;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * An object of {@link JsonTree} and where it stands. Each question names what is allowed, and says
 * so when it is not kept.
 */
record Fields(String path, Map<String, Object> map) {
  /** Of {@code metadata.generation}, bytes and the like: what every JSON reader keeps exactly. */
  static final long MAX_EXACT = 1L << 53;

  /** A value of a list or object. */
  interface Reader<T> {
    T read(Fields fields) throws MalformedException;
  }

  /** The path of a field; a name that is not a plain word is not repeated. */
  static String join(String path, String name) {
    var plain = name.length() <= 40 && allMatch(name, Fields::isWordCharacter);
    return (path.isEmpty() ? "" : path + ".") + (plain ? name : "?");
  }

  // --- strings -------------------------------------------------------------------------------

  /** ASCII letters, digits and dashes. */
  String id(String name, int max) throws MalformedException {
    var text = required(name, optionalId(name, max));
    return text;
  }

  Optional<String> optionalId(String name, int max) throws MalformedException {
    return string(
        name,
        1,
        max,
        Fields::isWordCharacter,
        "is 1 to " + max + " ASCII letters, digits and dashes");
  }

  /** One of a program's words, {@code not-sampled-yet}; empty when it is missing. */
  String wordOrEmpty(String name) throws MalformedException {
    return string(
            name, 0, 64, Fields::isWordCharacter, "is at most 64 ASCII letters, digits and dashes")
        .orElse("");
  }

  /** For people: whatever does no harm to a terminal; empty when it is missing. */
  String textOrEmpty(String name, int max) throws MalformedException {
    return optionalText(name, 0, max).orElse("");
  }

  String text(String name, int max) throws MalformedException {
    return required(name, optionalText(name, 1, max));
  }

  Optional<String> optionalText(String name, int min, int max) throws MalformedException {
    return string(
        name,
        min,
        max,
        Fields::isHarmless,
        "is a string of " + min + " to " + max + " characters without control characters");
  }

  private Optional<String> string(String name, int min, int max, IntPredicate allowed, String rule)
      throws MalformedException {
    var value = map.get(name);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof String text)
        || text.length() < min
        || text.length() > max
        || !allMatch(text, allowed)) {
      throw malformed(name, rule);
    }
    return Optional.of(text);
  }

  private static boolean allMatch(String text, IntPredicate allowed) {
    int next = 0;
    while (next < text.length()) {
      int character = text.codePointAt(next);
      if (!allowed.test(character)) {
        return false;
      }
      next += Character.charCount(character);
    }
    return true;
  }

  private static boolean isWordCharacter(int c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-';
  }

  /** No control, no format character (those turn text around or hide it), no half of a pair. */
  private static boolean isHarmless(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }

  // --- numbers -------------------------------------------------------------------------------

  int integer(String name, int min, int max) throws MalformedException {
    return (int) longInteger(name, min, max);
  }

  long longInteger(String name, long min, long max) throws MalformedException {
    if (!(map.get(name) instanceof Long number) || number < min || number > max) {
      throw malformed(name, "is an integer of " + min + " to " + max);
    }
    return number;
  }

  double number(String name, double max) throws MalformedException {
    if (!(map.get(name) instanceof Number number)
        || !(number.doubleValue() >= 0 && number.doubleValue() <= max)) {
      throw malformed(name, "is a number of 0 to " + plain(max));
    }
    return number.doubleValue();
  }

  private static String plain(double max) {
    return Long.toString((long) max);
  }

  boolean bool(String name) throws MalformedException {
    if (!(map.get(name) instanceof Boolean bool)) {
      throw malformed(name, "is true or false");
    }
    return bool;
  }

  // --- structures ----------------------------------------------------------------------------

  /** The constant whose word, lower case with dashes, stands there. */
  <E extends Enum<E>> E constant(String name, Class<E> type) throws MalformedException {
    for (var constant : type.getEnumConstants()) {
      if (word(constant).equals(map.get(name))) {
        return constant;
      }
    }
    throw malformed(name, "is none of the words that are allowed");
  }

  /** {@code COMPLETED_UNPROVEN} is {@code completed-unproven}. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  boolean has(String name) {
    return map.containsKey(name);
  }

  Fields object(String name) throws MalformedException {
    return required(name, optionalObject(name));
  }

  Optional<Fields> optionalObject(String name) throws MalformedException {
    var value = map.get(name);
    return value == null ? Optional.empty() : Optional.of(object(value, join(path, name)));
  }

  <T> Optional<T> optional(String name, Reader<T> reader) throws MalformedException {
    var fields = optionalObject(name);
    return fields.isPresent() ? Optional.of(reader.read(fields.get())) : Optional.empty();
  }

  /** Objects; none when it is missing. */
  <T> List<T> list(String name, int max, Reader<T> reader) throws MalformedException {
    var value = map.get(name);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof List<?> list) || list.size() > max) {
      throw malformed(name, "is a list of at most " + max);
    }
    var items = new ArrayList<T>();
    for (var item : list) {
      items.add(reader.read(object(item, join(path, name) + "[" + items.size() + "]")));
    }
    return items;
  }

  /** Safe: {@link JsonTree} makes no other maps. */
  @SuppressWarnings("unchecked")
  private static Fields object(Object value, String path) throws MalformedException {
    if (!(value instanceof Map<?, ?> map)) {
      throw new MalformedException("\"" + path + "\" is an object");
    }
    return new Fields(path, (Map<String, Object>) map);
  }

  private <T> T required(String name, Optional<T> value) throws MalformedException {
    if (value.isEmpty()) {
      throw malformed(name, "is missing");
    }
    return value.get();
  }

  /** {@code rule} completes the sentence that the field's path begins. */
  MalformedException malformed(String name, String rule) {
    return new MalformedException("\"" + join(path, name) + "\" " + rule);
  }
}
