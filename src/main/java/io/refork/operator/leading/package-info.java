/** Which one of several operators leads. */
package io.refork.operator.leading;
