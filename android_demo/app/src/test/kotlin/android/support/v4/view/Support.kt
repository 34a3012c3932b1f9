// As much of Android's former support library as the Accessibility Test Framework wants.
package android.support.v4.view

import android.view.View

open class ViewPager

object ViewCompat {
    @JvmStatic
    fun getAlpha(view: View) = view.alpha

    @JvmStatic
    fun getAccessibilityLiveRegion(view: View) = view.accessibilityLiveRegion
}
