package io.refork.api;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Bounds of a {@link PoolDuration}, both included. The CRD's schema is made from it: its own {@code
 * minimum} and {@code maximum} know numbers only.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.FIELD)
@interface Between {
  String min();

  String max();

  /** Whether 0 is allowed, too, although {@code min} is above it: it turns something off. */
  boolean orZero() default false;
}
