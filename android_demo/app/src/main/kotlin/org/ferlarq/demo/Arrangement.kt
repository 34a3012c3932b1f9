package org.ferlarq.demo

import android.content.res.Configuration
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.widget.LinearLayout

/**
 * Puts the second of two children below the first, or beside it where the screen lies on its side.
 *
 * @param share height of the second, where that of the first is 1.
 */
fun LinearLayout.arrange(share: Float) {
    val first = getChildAt(0)
    val second = getChildAt(1)
    if (resources.configuration.orientation == Configuration.ORIENTATION_LANDSCAPE) {
        orientation = LinearLayout.HORIZONTAL
        first.layoutParams = LinearLayout.LayoutParams(0, MATCH_PARENT, 1f)
        second.layoutParams = LinearLayout.LayoutParams(0, MATCH_PARENT, 1f)
    } else {
        orientation = LinearLayout.VERTICAL
        first.layoutParams = LinearLayout.LayoutParams(MATCH_PARENT, 0, 1f)
        second.layoutParams = LinearLayout.LayoutParams(MATCH_PARENT, 0, share)
    }
}
