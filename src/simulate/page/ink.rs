//! The colours of the page: each is a word with a meaning and two values, for light and for dark.
//!
//! The library that draws the charts writes colours into the SVG. What it writes is the light value,
//! and [`style`] makes the browser read it as the name of a variable, so that the dark mode and
//! print change charts, bars and legends alike.

use std::fmt::Write;

use plotters::style::RGBColor;

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Paper,
    Text,
    Muted,
    Grid,
    Sold,
    Paying,
    Held,
    Available,
    Blocked,
    /// Where nothing was to be had though little was sold.
    Phantom,
    /// The first line of a chart.
    First,
    /// The second.
    Second,
}

impl Ink {
    pub(super) const ALL: [Self; 12] = [
        Self::Paper,
        Self::Text,
        Self::Muted,
        Self::Grid,
        Self::Sold,
        Self::Paying,
        Self::Held,
        Self::Available,
        Self::Blocked,
        Self::Phantom,
        Self::First,
        Self::Second,
    ];

    /// The name of its variable, and its values. No two light values are alike: the style sheet
    /// tells colours by them. Statuses differ in lightness as well as in hue.
    const fn values(self) -> (&'static str, u32, u32) {
        match self {
            Self::Paper => ("paper", 0xff_ff_ff, 0x15_1a_20),
            Self::Text => ("text", 0x1b_24_2e, 0xe8_ec_f1),
            Self::Muted => ("muted", 0x56_61_6d, 0xa9_b3_be),
            Self::Grid => ("grid", 0xdc_e1_e7, 0x36_3f_4a),
            Self::Sold => ("sold", 0x17_4f_8a, 0x3b_82_cf),
            Self::Paying => ("paying", 0xd0_59_1c, 0xf0_84_48),
            Self::Held => ("held", 0xf3_c0_5a, 0xf6_cf_7a),
            Self::Available => ("available", 0xdd_e9_e6, 0x2c_42_44),
            Self::Blocked => ("blocked", 0x8d_94_9d, 0x78_81_8b),
            Self::Phantom => ("phantom", 0x6e_15_60, 0x5a_0c_4e),
            Self::First => ("first", 0x1d_5e_9d, 0x6a_ad_ee),
            Self::Second => ("second", 0xb8_4a_14, 0xf3_95_60),
        }
    }

    /// The name of its variable in the style sheet.
    pub(super) const fn name(self) -> &'static str {
        self.values().0
    }

    /// The colour as it is written into a chart.
    pub(super) const fn rgb(self) -> RGBColor {
        let [_, red, green, blue] = self.values().1.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

/// The rules that give the variables their values, and charts their variables.
pub(super) fn style() -> String {
    let (mut light, mut dark, mut charts) = (String::new(), String::new(), String::new());
    for ink in Ink::ALL {
        let (name, on_white, on_black) = ink.values();
        // A string takes everything that is written to it.
        let _ = write!(light, "--{name}:#{on_white:06x};");
        let _ = write!(dark, "--{name}:#{on_black:06x};");
        let _ = write!(
            charts,
            ".plot [fill=\"#{on_white:06X}\"]{{fill:var(--{name})}}\
             .plot [stroke=\"#{on_white:06X}\"]{{stroke:var(--{name})}}"
        );
    }
    format!(
        ":root{{{light}}}\
         @media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\
         {charts}\
         .plot [fill=\"#{:06X}\"]{{fill:url(#hatch)}}",
        Ink::Phantom.values().1
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative luminance of WCAG 2.
    fn luminance(colour: u32) -> f64 {
        let [_, red, green, blue] = colour.to_be_bytes().map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn contrast(one: u32, other: u32) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn words_and_lines_stand_out_in_light_and_in_dark() {
        let (_, light, dark) = Ink::Paper.values();
        for (ink, least) in [
            (Ink::Text, 7.0),
            (Ink::Muted, 4.5),
            (Ink::First, 4.5),
            (Ink::Second, 4.5),
            (Ink::Sold, 3.0),
            (Ink::Paying, 3.0),
        ] {
            let (name, on_white, on_black) = ink.values();
            for (colour, paper) in [(on_white, light), (on_black, dark)] {
                let found = contrast(colour, paper);
                assert!(found >= least, "{name}: {found:.2}");
            }
        }
    }

    #[test]
    fn statuses_that_lie_side_by_side_differ_in_lightness() {
        let stack = [Ink::Sold, Ink::Paying, Ink::Held, Ink::Available, Ink::Blocked];
        for pair in stack.windows(2) {
            let (one, other) = (pair[0].values(), pair[1].values());
            for found in [contrast(one.1, other.1), contrast(one.2, other.2)] {
                assert!(found >= 1.3, "{} beside {}: {found:.2}", one.0, other.0);
            }
        }
    }

    #[test]
    fn the_hatching_stands_out_from_what_is_held() {
        let (phantom, held) = (Ink::Phantom.values(), Ink::Held.values());
        assert!(contrast(phantom.1, held.1) >= 4.5 && contrast(phantom.2, held.2) >= 4.5);
    }

    #[test]
    fn the_style_sheet_can_tell_them_apart() {
        let mut colours: Vec<u32> = Ink::ALL.iter().map(|ink| ink.values().1).collect();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), Ink::ALL.len());
    }
}
