package org.ferlarq.demo

import android.content.Context
import android.graphics.Bitmap
import android.net.Uri
import android.os.Handler
import android.os.Looper
import android.os.SystemClock
import java.io.IOException
import java.util.concurrent.Executor
import org.ferlarq.demo.live.HistoryPainter
import org.ferlarq.demo.live.LiveController
import org.ferlarq.demo.model.ModelController
import org.ferlarq.demo.photo.PhotoController
import org.ferlarq.demo.sharing.SharedFiles
import org.ferlarq.demo.ui.Store

enum class Tab { LIVE, PHOTO, MODEL }

/**
 * What a window shows. It outlives the Activity, which the system makes anew when the theme, the
 * language or the size of letters changes.
 */
class WindowModel(private val context: Context, private val foundations: Foundations) {
    private val handler = Handler(Looper.getMainLooper())
    private val main = Executor { handler.post(it) }
    private val networks = foundations.networks

    val tab = Store(Tab.LIVE)
    val live = LiveController(
        networks, foundations.cameras, main, foundations.frames, SystemClock::uptimeMillis,
    )
    val photo = PhotoController(context, networks, main, foundations.background)
    val model = ModelController(networks, main, foundations.background, foundations.measuring)

    /** Whether the user is being asked for the camera. */
    var asking = false

    init {
        model.readCard()
    }

    /**
     * Writes what was seen lately, as a picture and as a table, then calls [done] with those that
     * there was room for.
     *
     * @param themed gives the picture its words and colours.
     */
    fun prepareSharingHistory(themed: Context, done: (List<Uri>) -> Unit) {
        val history = live.history ?: return
        val picture = HistoryPainter(themed).picture(history)
        val table = history.toCsv()
        foundations.background.execute {
            val written = listOf(
                SharedFiles.write(context, SharedFiles.HISTORY_PICTURE) {
                    if (!picture.compress(Bitmap.CompressFormat.PNG, 100, it)) throw IOException()
                },
                SharedFiles.write(context, SharedFiles.HISTORY_TABLE) { it.write(table.toByteArray()) },
            )
            main.execute { done(written.filterNotNull()) }
        }
    }

    /** The window is not seen: what it needs no more is freed. */
    fun hide() {
        live.release()
        model.cancel()
    }
}
