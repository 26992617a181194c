/** From the command line to controllers that run: settings, the CRD, and the way out. */
package io.refork.operator.startup;
