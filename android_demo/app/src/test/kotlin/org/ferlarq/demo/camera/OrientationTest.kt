package org.ferlarq.demo.camera

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35])
class OrientationTest {
    @Test
    fun `frames are turned as the sensor lies in the phone and the phone in the hand`() {
        assertEquals(listOf(90, 0, 270, 180), listOf(0, 90, 180, 270).map { frameRotation(90, it, Lens.BACK) })
        assertEquals(listOf(270, 0, 90, 180), listOf(0, 90, 180, 270).map { frameRotation(270, it, Lens.FRONT) })
    }

    @Test
    fun `the preview of a phone on its side fills the view again`() {
        // The system stretches the picture of the upright phone, 480 x 640, over 640 x 480.
        for ((degrees, corner) in listOf(90 to floatArrayOf(0f, 480f), 270 to floatArrayOf(640f, 0f))) {
            val point = floatArrayOf(0f, 0f)
            previewMatrix(640f, 480f, degrees).mapPoints(point)
            assertArrayEquals("$degrees", corner, point, 1e-3f)
        }
        val same = floatArrayOf(12f, 34f)
        previewMatrix(480f, 640f, 0).mapPoints(same)
        assertArrayEquals(floatArrayOf(12f, 34f), same, 1e-3f)
    }
}
