package io.refork.protocol.control;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntPredicate;

/**
 * An object of {@link JsonTree} and where it stands. Each question names what is allowed, and says
 * so when it is not kept: each throws {@link MalformedException} with one sentence.
 *
 * @param path of the object in its document; empty for the document itself
 * @param map from {@link JsonTree}
 */
public record Fields(String path, Map<String, Object> map) {
  /** Of {@code metadata.generation}, bytes and the like: what every JSON reader keeps exactly. */
  public static final long MAX_EXACT = 1L << 53;

  /** A value of a list or object. */
  public interface Reader<T> {
    T read(Fields fields) throws MalformedException;
  }

  /** The path of a field; a name that is not a plain word is not repeated. */
  static String join(String path, String name) {
    var plain = name.length() <= 40 && allMatch(name, Fields::isWordCharacter);
    return (path.isEmpty() ? "" : path + ".") + (plain ? name : "?");
  }

  // --- strings -------------------------------------------------------------------------------

  /** ASCII letters, digits and dashes; it must be there. */
  public String id(String name, int max) throws MalformedException {
    return required(name, optionalId(name, max));
  }

  /** The same; empty when it is missing. */
  public Optional<String> optionalId(String name, int max) throws MalformedException {
    return string(
        name,
        1,
        max,
        Fields::isWordCharacter,
        "is 1 to " + max + " ASCII letters, digits and dashes");
  }

  /** One of a program's words, {@code not-sampled-yet}; empty when it is missing. */
  public String wordOrEmpty(String name) throws MalformedException {
    return string(
            name, 0, 64, Fields::isWordCharacter, "is at most 64 ASCII letters, digits and dashes")
        .orElse("");
  }

  /** For people: whatever does no harm to a terminal; empty when it is missing. */
  public String textOrEmpty(String name, int max) throws MalformedException {
    return optionalText(name, 0, max).orElse("");
  }

  /** For people, not empty; it must be there. */
  public String text(String name, int max) throws MalformedException {
    return required(name, optionalText(name, 1, max));
  }

  /** For people; empty when it is missing. */
  public Optional<String> optionalText(String name, int min, int max) throws MalformedException {
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

  /** Digits without a point, both bounds allowed; it must be there. */
  public int integer(String name, int min, int max) throws MalformedException {
    return (int) longInteger(name, min, max);
  }

  /** The same, longer. */
  public long longInteger(String name, long min, long max) throws MalformedException {
    if (!(map.get(name) instanceof Long number) || number < min || number > max) {
      throw malformed(name, "is an integer of " + min + " to " + max);
    }
    return number;
  }

  /** From 0 to {@code max}; it must be there. */
  public double number(String name, double max) throws MalformedException {
    if (!(map.get(name) instanceof Number number)
        || !(number.doubleValue() >= 0 && number.doubleValue() <= max)) {
      throw malformed(name, "is a number of 0 to " + plain(max));
    }
    return number.doubleValue();
  }

  private static String plain(double max) {
    return Long.toString((long) max);
  }

  /** It must be there. */
  public boolean bool(String name) throws MalformedException {
    if (!(map.get(name) instanceof Boolean bool)) {
      throw malformed(name, "is true or false");
    }
    return bool;
  }

  // --- structures ----------------------------------------------------------------------------

  /** The constant whose word, lower case with dashes, stands there. */
  public <E extends Enum<E>> E constant(String name, Class<E> type) throws MalformedException {
    for (var constant : type.getEnumConstants()) {
      if (word(constant).equals(map.get(name))) {
        return constant;
      }
    }
    throw malformed(name, "is none of the words that are allowed");
  }

  /** {@code COMPLETED_UNPROVEN} is {@code completed-unproven}. */
  public static String word(Enum<?> constant) {
    return constant.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
  }

  /** Whether it is there and not null. */
  public boolean has(String name) {
    return map.containsKey(name);
  }

  /** It must be there. */
  public Fields object(String name) throws MalformedException {
    return required(name, optionalObject(name));
  }

  /** Empty when it is missing. */
  public Optional<Fields> optionalObject(String name) throws MalformedException {
    var value = map.get(name);
    return value == null ? Optional.empty() : Optional.of(object(value, join(path, name)));
  }

  /** What {@code reader} makes of an object; empty when it is missing. */
  public <T> Optional<T> optional(String name, Reader<T> reader) throws MalformedException {
    var fields = optionalObject(name);
    return fields.isPresent() ? Optional.of(reader.read(fields.get())) : Optional.empty();
  }

  /** Objects; none when it is missing. */
  public <T> List<T> list(String name, int max, Reader<T> reader) throws MalformedException {
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
  public MalformedException malformed(String name, String rule) {
    return new MalformedException("\"" + join(path, name) + "\" " + rule);
  }
}
