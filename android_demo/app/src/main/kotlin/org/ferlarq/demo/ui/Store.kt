package org.ferlarq.demo.ui

import java.io.Closeable

/**
 * Holds a state, which never changes itself: a new one takes its place, and is shown. It outlives
 * the windows that show it. Used on the main thread only.
 */
class Store<S>(initial: S) {
    var state = initial
        private set
    private val observers = mutableListOf<(S) -> Unit>()

    fun update(change: (S) -> S) {
        val changed = change(state)
        if (changed == state) return
        state = changed
        observers.toList().forEach { it(changed) }
    }

    fun set(changed: S) = update { changed }

    /** Shows the state now, and each one that follows until the result is closed. */
    fun observe(observer: (S) -> Unit): Closeable {
        observers += observer
        observer(state)
        return Closeable { observers -= observer }
    }
}
