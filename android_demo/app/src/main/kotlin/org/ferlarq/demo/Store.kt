package org.ferlarq.demo

/** Holds the state of the screen and shows each new one. Used on the main thread only. */
class Store(private val render: (ScreenState) -> Unit) {
    var state = ScreenState()
        private set

    fun update(change: (ScreenState) -> ScreenState) {
        val changed = change(state)
        if (changed == state) return
        state = changed
        render(changed)
    }

    fun updateLive(live: LiveState) = update { it.copy(live = live) }

    fun updatePhoto(photo: PhotoState) = update { it.copy(photo = photo) }
}
