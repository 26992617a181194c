/** What a log line may hold. */
package io.refork.operator.logs;
