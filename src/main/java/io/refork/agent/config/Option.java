package io.refork.agent.config;

import io.refork.protocol.Escape;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * One option of {@code refork run}. The same object stands for the flag {@code --name}, the
 * variable {@code REFORK_NAME} and the field {@code "name"} of the configuration file, so that the
 * three cannot drift apart.
 *
 * @param name the flag without its dashes, and the field of the file
 * @param section the heading of the help under which it stands
 * @param placeholder what the help prints for the value
 * @param fallback the default, as a user would write it; empty when there is none
 * @param allowed what values may be, so that "give …" reads as a sentence
 * @param help what it does, without the default
 * @param shape one value, a list by repetition, or a list in one value
 * @param live whether a running agent takes a new value
 * @param parser the value of a text, or empty when it is not allowed
 */
public record Option<T>(
    String name,
    Section section,
    String placeholder,
    String fallback,
    String allowed,
    String help,
    Shape shape,
    boolean live,
    Function<String, Optional<T>> parser) {

  /** The headings of the help, in its order. */
  public enum Section {
    POOL("Workers and sockets"),
    REFORK("When to refork"),
    ROLLOUT("How carefully workers are replaced"),
    TIME("Time limits (0 turns those off that say so)"),
    AGENT("The agent itself");

    private final String title;

    Section(String title) {
      this.title = title;
    }

    /** What the help prints. */
    public String title() {
      return title;
    }
  }

  /** How often a value may be given. */
  public enum Shape {
    ONE,
    /** Repeat the flag; an array in the file; separated by comma or space in the variable. */
    REPEATED,
    /** One flag with commas; an array is allowed in the file. */
    LIST
  }

  /** The flag as it is typed. */
  public String flag() {
    return "--" + name;
  }

  /** The environment variable. */
  public String variable() {
    return "REFORK_" + name.toUpperCase(java.util.Locale.ROOT).replace('-', '_');
  }

  /** The value of one text that stands {@code where}. */
  T parse(String text, String where) throws UsageException {
    var value = parser.apply(text.strip());
    if (value.isEmpty()) {
      throw new UsageException(
          where + ": " + Escape.quoted(text) + " is not allowed; give " + allowed);
    }
    return value.get();
  }

  /** The values of all texts, in order. */
  List<T> parseAll(Given given) throws UsageException {
    var values = new ArrayList<T>();
    for (var text : given.texts()) {
      values.add(parse(text, given.where()));
    }
    return values;
  }

  /** The default's texts. */
  Given byDefault() {
    return new Given(
        fallback.isEmpty() ? List.of() : List.of(fallback), "the default of " + flag());
  }

  /** What the user wrote for an option, and where, in the words of an error message. */
  public record Given(List<String> texts, String where) {
    public Given {
      texts = List.copyOf(texts);
    }
  }
}
