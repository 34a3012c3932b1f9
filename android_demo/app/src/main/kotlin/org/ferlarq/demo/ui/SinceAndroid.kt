package org.ferlarq.demo.ui

/** The code so marked runs only behind a check that the phone's Android has at least this API. */
@Retention(AnnotationRetention.BINARY)
@Target(AnnotationTarget.FUNCTION, AnnotationTarget.CLASS)
annotation class SinceAndroid(val api: Int)
