package io.refork.agent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BareServerTest {
  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "gunicorn shop.wsgi, python -m refork gunicorn",
    "/venv/bin/uvicorn shop:app, python -m refork uvicorn",
    "python3.12 -X dev -m gunicorn shop.wsgi, python -m refork gunicorn",
    "daphne shop.asgi, gunicorn and uvicorn can"
  })
  @DisplayName("a server without the shim in front is named, with what to write")
  void bare(String command, String words) {
    assertThat(BareServer.hint(List.of(command.split(" "))))
        .hasValueSatisfying(s -> assertThat(s).contains(words));
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "python -m refork gunicorn shop.wsgi",
        "python worker.py -m gunicorn",
        "sh -c gunicorn",
        "python -m"
      })
  @DisplayName("of other commands nothing is said")
  void other(String command) {
    assertThat(BareServer.hint(List.of(command.split(" "))))
        .as("a script of python's own may be called anything")
        .isEmpty();
  }
}
