package io.refork.operator.logs;

import io.quarkus.logging.LoggingFilter;
import io.refork.protocol.Escape;
import java.util.logging.Filter;
import java.util.logging.LogRecord;
import org.jboss.logmanager.ExtLogRecord;

/**
 * One record, one line: what an agent, a user or the API server has put into a message is escaped,
 * in JSON and in text. {@code quarkus.log.console.filter} names it.
 */
@LoggingFilter(name = "one-line")
public final class OneLineFilter implements Filter {
  /** Characters kept of a message: a whole reply would push everything else out of sight. */
  private static final int MAX = 2000;

  @Override
  public boolean isLoggable(LogRecord log) {
    if (log instanceof ExtLogRecord record && record.getFormattedMessage() != null) {
      record.setMessage(
          Escape.plain(record.getFormattedMessage(), MAX), ExtLogRecord.FormatStyle.NO_FORMAT);
    }
    return true;
  }
}
