package io.refork.api;

import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.PodTemplateSpec;
import java.io.IOException;

/**
 * A pod template that the client library cannot decode, though an API server has stored it: an
 * older schema took it, or the library is stricter than Kubernetes. It has no containers. Were it
 * thrown, the watch of every pool would end with it.
 */
public final class UnreadableTemplate extends PodTemplateSpec {
  private static final long serialVersionUID = 1;

  private final transient JsonNode stored;
  private final String sentence;

  private UnreadableTemplate(JsonNode stored, String sentence) {
    this.stored = stored;
    this.sentence = sentence;
  }

  /** Which field it is and what is wrong with it, not escaped. */
  public String sentence() {
    return sentence;
  }

  /** As it was, so that a copy that is made by way of JSON is unreadable, too. */
  @JsonValue
  JsonNode stored() {
    return stored;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof UnreadableTemplate template && stored.equals(template.stored);
  }

  @Override
  public int hashCode() {
    return stored.hashCode();
  }

  /** Reads a template, this one if need be. */
  static final class Reader extends JsonDeserializer<PodTemplateSpec> {
    @Override
    public PodTemplateSpec deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      var stored = context.readTree(parser);
      try {
        return context.readTreeAsValue(stored, PodTemplateSpec.class);
      } catch (JacksonException | IllegalArgumentException e) {
        return new UnreadableTemplate(stored, sentence(e));
      }
    }

    private static String sentence(Exception e) {
      var field = new StringBuilder("spec.template");
      if (e instanceof JsonMappingException mapping) {
        for (var step : mapping.getPath()) {
          if (step.getFieldName() == null) {
            field.append('[').append(step.getIndex()).append(']');
          } else {
            field.append('.').append(step.getFieldName());
          }
        }
      }
      var said = e instanceof JacksonException json ? json.getOriginalMessage() : e.getMessage();
      return field + " cannot be read, so write it as Kubernetes wants it: " + said;
    }
  }
}
