package io.refork.operator.logs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.logging.Level;
import org.jboss.logmanager.ExtLogRecord;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class OneLineFilterTest {
  @Test
  @DisplayName("TOK-15 script, line ends and terminal sequences of others reach the log escaped")
  void escaped() {
    var record =
        new ExtLogRecord(Level.INFO, "pod %s says %s", ExtLogRecord.FormatStyle.PRINTF, "test");
    record.setParameters(new Object[] {"shop-1", "\u001b[2J\r\nFATAL forged ${jndi:x}\u202e"});
    assertThat(new OneLineFilter().isLoggable(record)).isTrue();
    assertThat(record.getFormattedMessage())
        .isEqualTo("pod shop-1 says \\u001b[2J\\r\\nFATAL forged ${jndi:x}\\u202e");
  }
}
