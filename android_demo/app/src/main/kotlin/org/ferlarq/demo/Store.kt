package org.ferlarq.demo

/**
 * Holds the state of the screen and shows each new one. Used on the main thread only.
 *
 * @param render is given the new state and the one before it.
 */
class Store(private val render: (ScreenState, ScreenState) -> Unit) {
    var state = ScreenState()
        private set

    fun update(change: (ScreenState) -> ScreenState) {
        val before = state
        val changed = change(before)
        if (changed == before) return
        state = changed
        render(changed, before)
    }

    fun updateLive(live: LiveState) = update { it.copy(live = live) }

    fun updatePhoto(photo: PhotoState) = update { it.copy(photo = photo) }
}
